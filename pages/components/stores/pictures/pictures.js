import { imageOf } from "./levels.js";

const KEPT = 2; // sets: those of a training take tens of megabytes each
const asked = new Map(); // of this page, by address, the longest unused first

async function fetched(url) {
  const response = await fetch(new URL(url, document.baseURI));
  if (!response.ok) throw new Error(`The pictures cannot be fetched: ${response.status}.`);
  const whole = await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const [count, side] = new Uint32Array(whole, 0, 2);
  const levels = new Uint8Array(whole, 8);
  const size = side * side;
  if (levels.length !== count * size) throw new Error("The pictures came damaged.");
  const of = (index) => levels.subarray(index * size, (index + 1) * size);
  return { side, count, levels: of, image: (index) => imageOf(of(index)) };
}

// The pictures at an address that Python made (`pictures_url`): a promise of { side, count, levels(index),
// image(index) }: the side * side grey levels of one, to be read only, or the same for `putImageData`. One
// request for all who ask; after a failure the next who asks tries again.
export function pictures(url) {
  const promise = asked.get(url) ?? fetched(url);
  promise.catch(() => asked.get(url) === promise && asked.delete(url));
  asked.delete(url);
  asked.set(url, promise);
  for (const other of [...asked.keys()].slice(0, -KEPT)) asked.delete(other);
  return promise;
}
