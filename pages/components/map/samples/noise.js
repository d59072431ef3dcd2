// Standard normal numbers that follow from a seed, the same in every browser.

// The finaliser of MurmurHash3: neighbouring numbers have unrelated hashes.
function hash(number) {
  number = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  number = Math.imul(number ^ (number >>> 13), 0xc2b2ae35);
  return number ^ (number >>> 16);
}

// The draws of sample `number` of a seed: `uniform()` in [0, 1) and `normal()` from N(0, 1), by Box and Muller. So
// models of different latent sizes share the first coordinates.
export function draws(seed, number) {
  let state = hash(hash(seed + 1) + number);
  const uniform = () => {
    state = (state + 0x9e3779b9) | 0; // the golden ratio: a Weyl sequence, hashed, as splitmix
    return (hash(state) >>> 0) / 2 ** 32;
  };
  const normal = () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  };
  return { uniform, normal };
}
