import { imageOf } from "./levels.js";

const KEPT = 2; // sets of pictures: a training set takes tens of megabytes
const requests = new Map(); // url -> promise, the least recently used first

async function fetched(url) {
  const response = await fetch(new URL(url, document.baseURI));
  if (!response.ok) throw new Error(`The pictures cannot be fetched: ${response.status}.`);
  const whole = await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const [count, size] = new Uint32Array(whole, 0, 2);
  const levels = new Uint8Array(whole, 8);
  if (levels.length !== count * size) throw new Error("The pictures came damaged.");
  const of = (index) => levels.subarray(index * size, (index + 1) * size);
  return { count, levels: of, image: (index) => imageOf(of(index)) };
}

// The pictures at a URL of Python's `pictures_url`: a promise of { count, levels(index), image(index) }, where `levels` are
// those of one picture, read-only, and `image` is the same as ImageData. All calls share one request; after a failure the
// next call tries again.
export function pictures(url) {
  const promise = requests.get(url) ?? fetched(url);
  promise.catch(() => requests.get(url) === promise && requests.delete(url));
  requests.delete(url);
  requests.set(url, promise);
  for (const other of [...requests.keys()].slice(0, -KEPT)) requests.delete(other);
  return promise;
}
