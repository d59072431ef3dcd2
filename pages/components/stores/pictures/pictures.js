import { formOf, imageOf } from "./levels.js";

const KEPT = 2; // sets of pictures: a training set takes tens of megabytes
const HELD = 16e6; // bytes of the single pictures of a large set
const RESTS = 50; // milliseconds before one is fetched: a pointer that moves on wants another one
const AGAIN = 5000; // milliseconds after which one that did not come is fetched again
const requests = new Map(); // url -> promise, the least recently used first

// All pictures, in one array.
class Whole {
  constructor(buffer) {
    [this.count, this.size] = new Uint32Array(buffer, 0, 2);
    this.all = new Uint8Array(buffer, 8);
    if (this.all.length !== this.count * this.size) throw new Error("The pictures came damaged.");
  }

  levels(index) {
    return this.all.subarray(index * this.size, (index + 1) * this.size);
  }

  image(index) {
    return imageOf(this.levels(index));
  }
}

// Pictures of which each is fetched when it is wanted; those that were used last are kept.
class Parts {
  held = new Map(); // index -> levels, the least recently used first
  wanted = null; // { index, arrived } of the picture that was wanted last
  fetching = false;

  // `each` is the number of pictures in a file.
  constructor(url, { count, size, each }) {
    Object.assign(this, { url, count, size, each });
    const { side } = formOf(size);
    this.blank = new ImageData(side, side);
  }

  levels(index) {
    const levels = this.held.get(index) ?? null;
    if (!levels) return null;
    this.held.delete(index);
    this.held.set(index, levels);
    return levels;
  }

  image(index) {
    const levels = this.levels(index);
    return levels && imageOf(levels);
  }

  // Fetches a picture, unless another one is wanted before its turn; `arrived()` is called when it may be asked for again.
  async want(index, arrived) {
    this.wanted = { index, arrived };
    if (this.fetching) return;
    this.fetching = true;
    while (this.wanted) {
      await pause(RESTS);
      const next = this.wanted;
      this.wanted = null;
      await this.fetchOne(next.index).catch(() => pause(AGAIN));
      next.arrived();
    }
    this.fetching = false;
  }

  async fetchOne(index) {
    if (this.held.has(index)) return;
    const { each, held, size } = this;
    const start = (index % each) * size;
    const range = { Range: `bytes=${start}-${start + size - 1}` };
    const response = await answer(new URL(`${Math.floor(index / each)}.bin`, this.url), { headers: range });
    const content = await response.arrayBuffer();
    // Whatever stands between may know no ranges and send the file.
    const levels = new Uint8Array(content, response.status === 206 ? 0 : start, size);
    held.set(index, levels.slice());
    while (held.size * size > HELD) held.delete(held.keys().next().value);
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function answer(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`The pictures cannot be fetched: ${response.status}.`);
  return response;
}

async function fetched(relative) {
  const url = new URL(relative, document.baseURI);
  const response = await answer(url);
  if (url.pathname.endsWith(".json")) return new Parts(url, await response.json());
  return new Whole(await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// The pictures at a URL of Python's `pictures_url`: a promise of { count, levels(index), image(index) }, where `levels` are
// those of one picture, read-only, and `image` is the same as ImageData. Of a large set both are null for a picture that
// was not fetched yet: `want(index, arrived)` fetches it, and `blank` is a transparent one of its size. All calls share one
// request; after a failure the next call tries again.
export function pictures(url) {
  const promise = requests.get(url) ?? fetched(url);
  promise.catch(() => requests.get(url) === promise && requests.delete(url));
  requests.delete(url);
  requests.set(url, promise);
  for (const other of [...requests.keys()].slice(0, -KEPT)) requests.delete(other);
  return promise;
}
