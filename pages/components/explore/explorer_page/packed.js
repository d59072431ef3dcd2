import { bytesOf } from "../../stores/pictures/levels.js";

// The bytes of a gzipped file in base64: a promise.
export async function unpacked(text) {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
