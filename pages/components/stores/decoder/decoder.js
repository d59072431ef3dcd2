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
    clip: (x) => Math.min(Math.max(x, 0), 1),
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

  // The sums of products of kernels and the windows of a map below them, plus bias, into out[places[n] + step * kernel].
  // Windows begin at starts[n] in the map and have `height` rows of `length` numbers, `pitch` apart; kernels have the
  // same numbers one after the other. Four kernels and two windows at a time, as in `dense`: each number that is read is
  // used several times.
  function products({ kernels, starts, places }, bias, { map, pitch, height, length }, out, step) {
    const size = height * length;
    const last = bias.length - 1;
    const end = starts.length - 1;
    for (let row = 0; row <= last; row += 4) {
      // Where there are no four left, the last kernel is computed again.
      const row1 = Math.min(row + 1, last);
      const row2 = Math.min(row + 2, last);
      const row3 = Math.min(row + 3, last);
      for (let n = 0; n <= end; n += 2) {
        const m = Math.min(n + 1, end);
        let a0 = bias[row];
        let a1 = bias[row1];
        let a2 = bias[row2];
        let a3 = bias[row3];
        let b0 = a0;
        let b1 = a1;
        let b2 = a2;
        let b3 = a3;
        for (let i = 0; i < height; i++) {
          const at0 = row * size + i * length;
          const at1 = row1 * size + i * length;
          const at2 = row2 * size + i * length;
          const at3 = row3 * size + i * length;
          const a = starts[n] + i * pitch;
          const b = starts[m] + i * pitch;
          for (let k = 0; k < length; k++) {
            const one = map[a + k];
            const other = map[b + k];
            const w0 = kernels[at0 + k];
            const w1 = kernels[at1 + k];
            const w2 = kernels[at2 + k];
            const w3 = kernels[at3 + k];
            a0 += w0 * one;
            a1 += w1 * one;
            a2 += w2 * one;
            a3 += w3 * one;
            b0 += w0 * other;
            b1 += w1 * other;
            b2 += w2 * other;
            b3 += w3 * other;
          }
        }
        const [one, other] = [places[n], places[m]];
        out[one + step * row] = a0;
        out[one + step * row1] = a1;
        out[one + step * row2] = a2;
        out[one + step * row3] = a3;
        out[other + step * row] = b0;
        out[other + step * row1] = b1;
        out[other + step * row2] = b2;
        out[other + step * row3] = b3;
      }
    }
  }

  // Makes the function that convolves `from` into `to`, both (channels, side, side). An upsampling is computed in four
  // phases, the outputs in even and odd rows and columns: each of their outputs depends on 2 x 2 pixels alone.
  function convolution({ kind, channels: [channels, made], sides: [side, outSide] }, kernel, bias, from, to) {
    const upsamples = kind === "upsample";
    const [height, stride, spread] = upsamples ? [2, 1, 2] : [3, 2, 1];
    const wide = side + 2; // with a border of zeros; the channels of a pixel lie side by side
    const window = {
      map: new Float32Array(wide * wide * channels),
      pitch: wide * channels,
      height,
      length: height * channels,
    };

    function phase(row, column) {
      // The kernel's rows, or columns, that meet the same pixel are added. In an even place the first of three meets
      // the first of two pixels, in an odd one the first two do.
      const kernels = new Float32Array(made * channels * height * height);
      const met = (i, odd) => (upsamples ? Number(i > odd) : i);
      for (let out = 0; out < made; out++)
        for (let channel = 0; channel < channels; channel++)
          for (let i = 0; i < 3; i++)
            for (let j = 0; j < 3; j++) {
              const pixel = (out * height + met(i, row)) * height + met(j, column);
              kernels[pixel * channels + channel] += kernel[((out * channels + channel) * 3 + i) * 3 + j];
            }
      const [starts, places] = [[], []];
      for (let i = row; i < outSide; i += spread)
        for (let j = column; j < outSide; j += spread) {
          const [top, left] = upsamples ? [(i + row) / 2, (j + column) / 2] : [stride * i, stride * j];
          starts.push((top * wide + left) * channels);
          places.push(i * outSide + j);
        }
      return { kernels, starts: Int32Array.from(starts), places: Int32Array.from(places) };
    }
    const all = upsamples ? [phase(0, 0), phase(0, 1), phase(1, 0), phase(1, 1)] : [phase(0, 0)];
    return () => {
      const { map } = window;
      for (let channel = 0, at = 0; channel < channels; channel++)
        for (let i = 1; i <= side; i++)
          for (let j = 1; j <= side; j++) map[(i * wide + j) * channels + channel] = from[at++];
      for (const each of all) products(each, bias, window, to, outSide * outSide);
    };
  }

  // Makes the function decode(z), from a latent vector to the output of the last layer, an array that the next call
  // overwrites.
  //   layers: { kind: "dense", inputs, outputs }; { kind: "downsample" or "upsample", inputs, outputs, channels,
  //     sides }; { kind: an activation }; or { kind: "add" }, which adds the input of the layer with weights before it
  //   weights: of all dense layers and convolutions, each W and then b
  function makeDecoder(layers, weights) {
    const steps = [];
    let at = 0;
    let x = null; // the array of the output of the layers up to here
    let given = null; // the input of the last layer with weights
    let z = null;
    const take = (count) => weights.subarray(at, (at += count));
    for (const layer of layers) {
      const { kind, inputs, outputs, channels } = layer;
      const activation = ACTIVATIONS[kind];
      if (outputs && (x === null || x.length === inputs)) {
        z ??= x = new Float32Array(inputs);
        const [from, to] = [x, new Float32Array(outputs)];
        const matrix = take(kind === "dense" ? inputs * outputs : channels[0] * channels[1] * 9);
        const bias = take(kind === "dense" ? outputs : channels[1]);
        if (kind === "dense") steps.push(() => dense(matrix, bias, from, to));
        else steps.push(convolution(layer, matrix, bias, from, to));
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
    return (place) => {
      if (place.length !== z.length) throw new RangeError(`z has ${place.length} numbers, not ${z.length}.`);
      z.set(place);
      for (const step of steps) step();
      return x;
    };
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
