// PNG files of pins, made in the browser; each pixel of a picture becomes a square of one colour.
import { element } from "../../shell/dom.js";
import { imageOf, put } from "../../stores/pictures/levels.js";

const WIDTH = 280; // pixels of a picture, about
const COLUMNS = 6;
const GAP = 20;
const TEXT = 24; // pixels
const LINE = 1.4 * TEXT;

// How many pixels a side of the squares has that the pixels of a picture become.
const timesOf = (side) => Math.max(1, Math.round(WIDTH / side));

// The levels of a picture as a canvas about `WIDTH` pixels wide.
export function enlarged(levels) {
  const small = put(element("canvas"), imageOf(levels));
  const times = timesOf(small.width);
  const large = element("canvas", { width: small.width * times, height: small.height * times });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, large.width, large.height);
  return large;
}

// All pins on one sheet, each with its z below; black text on white, for printing.
export function sheet(parts, { side, pins, run }) {
  const drawn = side * timesOf(side);
  const width = drawn + GAP;
  const lines = pins.some(({ text, z }) => text !== z) ? 2 : 1;
  const height = drawn + GAP + lines * LINE;
  const columns = Math.min(COLUMNS, pins.length);
  const total = Math.ceil(Math.ceil(pins.length / columns) * height + GAP + LINE);
  const canvas = element("canvas", { width: columns * width + GAP, height: total });
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000000";
  context.font = `${TEXT}px sans-serif`;
  context.textBaseline = "top";
  const room = width - GAP;
  pins.forEach(({ text, z }, i) => {
    const [x, y] = [GAP + (i % columns) * width, GAP + Math.floor(i / columns) * Math.round(height)];
    context.drawImage(enlarged(parts[i]), x, y);
    context.fillText(`z = ${z}`, x, y + room + 0.2 * TEXT, room);
    if (text !== z) context.fillText(text, x, y + room + 0.2 * TEXT + LINE, room);
  });
  context.fillText(run, GAP, canvas.height - LINE, canvas.width - 2 * GAP);
  return canvas;
}

export function save(canvas, name) {
  canvas.toBlob((blob) => {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may still ask where to
  });
}
