import { bytesOf } from "../../stores/pictures/levels.js";

// The bytes of a gzipped file in base64: a promise.
export async function unpacked(text) {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The same of numbers of four bytes, of which the file has all first bytes, then all second ones and so on.
export async function unpackedNumbers(text) {
  const grouped = await unpacked(text);
  const count = grouped.length >> 2;
  const bytes = grouped.slice(); // up to three at the end are no number
  for (let i = 0; i < 4 * count; i++) bytes[i] = grouped[(i & 3) * count + (i >> 2)];
  return bytes;
}
