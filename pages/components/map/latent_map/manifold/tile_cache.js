// The images of a plane through the latent space: decoded in Workers when they are wanted, then cached.
const CHUNK = 16; // images a request: some milliseconds, after which others may be more urgent
// Of pictures of 784 bytes 16,384: those of forty windows, or of one on the largest screen. Of larger ones fewer.
const CACHED = 16384 * 784; // bytes
const LEAST = 4096; // pictures

// For a plane { base, first, second }; `arrived` is called whenever some have come.
export function makeDigits(workers, plane, arrived) {
  const { base, first, second } = plane;
  const line = !second.some(Boolean); // one latent dimension: squares above each other have the same image
  const cached = new Map(); // name -> levels, the longest unused first
  const requested = new Set();
  let wanted = []; // the most urgent last

  // In float64, so that neighbours at any zoom have images of their own.
  const zOf = ({ x, y }) => base.map((value, k) => value + x * first[k] + y * second[k]);
  const nameOf = ({ x, y }) => `${x},${line ? 0 : y}`;

  function levelsOf(name) {
    const levels = cached.get(name);
    if (levels) {
      cached.delete(name);
      cached.set(name, levels);
    }
    return levels;
  }

  function keep(name, levels) {
    cached.set(name, levels);
    if (cached.size > Math.max(LEAST, CACHED / levels.length)) cached.delete(cached.keys().next().value);
  }

  async function request(chunk) {
    for (const [name] of chunk) requested.add(name);
    const answer = await workers.decode(chunk.map(([, place]) => zOf(place)));
    for (const [k, [name]] of chunk.entries()) {
      requested.delete(name);
      keep(name, answer[k]);
    }
    arrived();
  }

  // Requests what is wanted, as much as the Workers take.
  function feed() {
    while (wanted.length && workers.free()) request(wanted.splice(-CHUNK).reverse());
  }

  return {
    plane,
    nameOf,
    levelsOf,
    feed, // to be called whenever a Worker is free
    // From now on these squares are wanted and no others: pairs of name and place, the most urgent first.
    want(places) {
      const once = [...new Map(places)]; // on a line many have the same name
      wanted = once.filter(([name]) => !requested.has(name)).reverse();
      feed();
    },
  };
}
