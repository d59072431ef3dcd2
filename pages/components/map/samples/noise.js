// Standard normal numbers that follow from a seed, the same in every browser.

// mulberry32 of Tommy Ettinger: numbers in [0, 1) from a 32-bit state.
function uniform(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The draws of sample `number` of a seed: `uniform()` in [0, 1) and `normal()` from N(0, 1), by Box and Muller. So
// models of different latent sizes share the first coordinates.
export function draws(seed, number) {
  const next = uniform(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const normal = () => {
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    return radius * Math.cos(2 * Math.PI * next());
  };
  return { uniform: next, normal };
}
