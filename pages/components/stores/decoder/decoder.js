// Decoding, in one self-contained function, so that its source also runs in a Worker:
// `const { makeDecoder } = (${decoder.source})();`
function decoding() {
  // erfcc of Numerical Recipes, with a relative error below 1.2e-7 everywhere, as that of float32.
  const COEFFICIENTS = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
  ];
  function erfc(x) {
    const t = 1 / (1 + Math.abs(x) / 2);
    let sum = 0;
    for (const each of COEFFICIENTS) sum = sum * t + each;
    const half = t * Math.exp(sum - x * x);
    return x < 0 ? 2 - half : half;
  }

  // As torch's of the same names; gelu is the exact form, not the approximation by tanh.
  const ACTIVATIONS = {
    relu: (x) => Math.max(x, 0),
    silu: (x) => x / (1 + Math.exp(-x)),
    gelu: (x) => (x / 2) * erfc(-x * Math.SQRT1_2),
    tanh: Math.tanh,
    sine: Math.sin,
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    negative_softplus: (x) => -Math.max(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  };

  // y = W x + b, with W (outputs, inputs) in row-major order, as torch's. Four rows at a time, so that their sums are
  // independent and each x is read once for them. Summed in float64, rounded to float32.
  function dense(matrix, bias, x, y) {
    const inputs = x.length;
    const outputs = y.length;
    let row = 0;
    for (; row + 4 <= outputs; row += 4) {
      const at0 = row * inputs;
      const at1 = at0 + inputs;
      const at2 = at1 + inputs;
      const at3 = at2 + inputs;
      let sum0 = bias[row];
      let sum1 = bias[row + 1];
      let sum2 = bias[row + 2];
      let sum3 = bias[row + 3];
      for (let k = 0; k < inputs; k++) {
        const value = x[k];
        sum0 += matrix[at0 + k] * value;
        sum1 += matrix[at1 + k] * value;
        sum2 += matrix[at2 + k] * value;
        sum3 += matrix[at3 + k] * value;
      }
      y[row] = sum0;
      y[row + 1] = sum1;
      y[row + 2] = sum2;
      y[row + 3] = sum3;
    }
    for (; row < outputs; row++) {
      let sum = bias[row];
      for (let k = 0; k < inputs; k++) sum += matrix[row * inputs + k] * x[k];
      y[row] = sum;
    }
  }

  // Makes the function decode(z), from a latent vector to the output of the last layer, an array that the next call
  // overwrites; `decode.outputs` is its length.
  //   layers: { kind: "dense", inputs, outputs }, { kind: an activation }, or { kind: "add" }, which adds the input of
  //     the dense layer before it
  //   weights: of all dense layers, each W and then b
  function makeDecoder(layers, weights) {
    const steps = [];
    let at = 0;
    let x = null; // the array of the output of the layers up to here
    let given = null; // the input of the last dense layer
    let z = null;
    for (const { kind, inputs, outputs } of layers) {
      const activation = ACTIVATIONS[kind];
      if (kind === "dense" && (x === null || x.length === inputs)) {
        z ??= x = new Float32Array(inputs);
        const matrix = weights.subarray(at, (at += inputs * outputs));
        const bias = weights.subarray(at, (at += outputs));
        const [from, to] = [x, new Float32Array(outputs)];
        steps.push(() => dense(matrix, bias, from, to));
        [given, x] = [from, to];
      } else if (activation && x !== null) {
        const values = x;
        steps.push(() => {
          for (let i = 0; i < values.length; i++) values[i] = activation(values[i]);
        });
      } else if (kind === "add" && given?.length === x.length) {
        const [added, values] = [given, x];
        steps.push(() => {
          for (let i = 0; i < values.length; i++) values[i] += added[i];
        });
      } else throw new Error(`This decoder cannot be built: ${kind} does not fit here.`);
    }
    if (z === null || at !== weights.length)
      throw new Error(`This decoder cannot be built: it has ${weights.length} weights, its layers take ${at}.`);
    const decode = (place) => {
      if (place.length !== z.length) throw new RangeError(`z has ${place.length} numbers, not ${z.length}.`);
      z.set(place);
      for (const step of steps) step();
      return x;
    };
    return Object.assign(decode, { outputs: x.length });
  }

  // Values in [0, 1] to levels, as Python's `to_levels`: 255 p in float32, rounded half to even, as a clamped
  // array does by itself.
  function greyLevels(pixels) {
    const levels = new Uint8ClampedArray(pixels.length);
    for (let i = 0; i < pixels.length; i++) levels[i] = Math.fround(255 * pixels[i]);
    return levels;
  }

  return { makeDecoder, greyLevels };
}
