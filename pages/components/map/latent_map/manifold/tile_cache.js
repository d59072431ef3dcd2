// The digits of a plane through the latent space, decoded where they are wanted, and kept.
const CHUNK = 16; // digits at a time: some milliseconds, after which others may be wanted more
const KEPT = 16384; // digits of 784 bytes: those of forty windows, or of one on the largest screen

// Of a plane { base, first, second }; `arrived` is called whenever some have come.
export function makeDigits(workers, plane, arrived) {
  const { base, first, second } = plane;
  const line = !second.some(Boolean); // a line: what lies above each other is the same
  const kept = new Map(); // name -> levels, the longest unused first
  const asked = new Set();
  let wanted = []; // the next is the last

  // z in float64: the digit is exactly the one of this place, however near its neighbours are.
  const zOf = ({ x, y }) => base.map((value, k) => value + x * first[k] + y * second[k]);
  const nameOf = ({ x, y }) => `${x},${line ? 0 : y}`;

  function levelsOf(name) {
    const levels = kept.get(name);
    if (levels) {
      kept.delete(name);
      kept.set(name, levels);
    }
    return levels;
  }

  function keep(name, levels) {
    kept.set(name, levels);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }

  async function ask(chunk) {
    for (const [name] of chunk) asked.add(name);
    const answer = await workers.decode(chunk.map(([, place]) => zOf(place)));
    for (const [k, [name]] of chunk.entries()) {
      asked.delete(name);
      keep(name, answer[k]);
    }
    arrived();
  }

  // Ask for what is wanted, as much as the Workers take.
  function feed() {
    while (wanted.length && workers.free()) ask(wanted.splice(-CHUNK).reverse());
  }

  return {
    plane,
    zOf,
    nameOf,
    levelsOf,
    feed, // to be called whenever one is free
    // From now on these places are wanted and no others: pairs of name and place, the most urgent first.
    want(places) {
      const once = [...new Map(places)]; // on a line many have the same name
      wanted = once.filter(([name]) => !asked.has(name)).reverse();
      feed();
    },
  };
}
