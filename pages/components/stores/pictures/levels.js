// Grey levels, as they come and as they are drawn.

// What a text in base64 holds. Not by `Uint8Array.from`, which takes ten times as long.
export function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// S * S grey levels, row after row, as a picture for `putImageData`.
export function imageOf(levels) {
  const side = Math.sqrt(levels.length);
  const image = new ImageData(side, side);
  image.data.fill(255); // opaque
  for (let i = 0; i < levels.length; i++) image.data.fill(levels[i], 4 * i, 4 * i + 3);
  return image;
}

// A picture into a canvas, which becomes as large.
export function put(canvas, image) {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
