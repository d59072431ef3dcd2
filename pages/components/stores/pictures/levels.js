// Grey levels: decoded from base64, and drawn on a canvas.

// The bytes of a base64 text. Not by `Uint8Array.from`, which takes ten times as long.
export function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// Parts of equal size, as of several pictures one after the other; without a copy.
export function split(levels, size) {
  return Array.from({ length: levels.length / size }, (_, k) => levels.subarray(k * size, (k + 1) * size));
}

// S * S grey levels in row-major order, as ImageData.
export function imageOf(levels) {
  const side = Math.sqrt(levels.length);
  const image = new ImageData(side, side);
  image.data.fill(255); // opaque
  for (let i = 0; i < levels.length; i++) image.data.fill(levels[i], 4 * i, 4 * i + 3);
  return image;
}

// Draws ImageData on a canvas, which gets its size.
export function put(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
