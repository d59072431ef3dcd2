// The levels of pictures: decoded from base64, and drawn on a canvas. A picture is S * S grey levels in row-major order, or
// the levels of red, then those of green, then those of blue.

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

// Side and channels of a picture by the number of its levels: three times a square is no square.
export function formOf(count) {
  const side = Math.sqrt(count);
  return Number.isInteger(side) ? { side, channels: 1 } : { side: Math.sqrt(count / 3), channels: 3 };
}

// A picture as ImageData.
export function imageOf(levels) {
  const { side, channels } = formOf(levels.length);
  const image = new ImageData(side, side);
  image.data.fill(255); // opaque
  const size = side * side;
  for (let part = 0; part < 3; part++) {
    const from = channels === 1 ? 0 : part * size;
    for (let i = 0; i < size; i++) image.data[4 * i + part] = levels[from + i];
  }
  return image;
}

// Draws ImageData on a canvas, which gets its size.
export function put(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
