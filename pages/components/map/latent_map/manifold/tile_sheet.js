// One image of all squares of a grid, with each picture in its own pixels; it is drawn stretched, all at once. Grey pictures
// are black ink, whose opacity is the level; those in colour are opaque.
import { imageOf } from "../../../stores/pictures/levels.js";

const SQUARE = 3; // screen pixels a picture's pixel, from which on it is drawn as a square
const FARTHEST = 32; // how many times coarser or finer a sheet may be, to fill another at first

// For pictures with `side` pixels of a side and 1 or 3 channels.
export function makeSheet(grid, { side, channels }) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [grid.columns * side, grid.rows * side];
  // In main memory: hundreds of small images are put there one by one.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = new ImageData(side, side);

  // Where the sheet lies on the plane: its left and upper edge, its width and height.
  const left = (grid.i - 0.5) * grid.step;
  const top = (grid.j + grid.rows - 0.5) * grid.step;
  const extent = [grid.columns * grid.step, grid.rows * grid.step];

  // Puts the picture of a square.
  function put({ column, row }, levels) {
    if (channels === 1) for (let k = 0; k < levels.length; k++) image.data[4 * k + 3] = levels[k];
    context.putImageData(channels === 1 ? image : imageOf(levels), column * side, row * side);
  }

  // Fills the sheet with what another one shows of the same part of the plane.
  function inherit(other) {
    const times = other.grid.step / grid.step;
    if (times > FARTHEST || times < 1 / FARTHEST) return;
    other.drawOn(context, { x0: left, y1: top, scale: [side / grid.step, side / grid.step] });
  }

  // Draws the sheet on a canvas whose upper left corner is the place (x0, y1); `scale` is the pixels of a unit of the
  // plane, across and down.
  function drawOn(target, { x0, y1, scale: [across, down] }) {
    // Small pixels of a picture drawn as squares would have two sizes.
    target.imageSmoothingEnabled = (grid.step / side) * across < SQUARE;
    target.drawImage(canvas, (left - x0) * across, (y1 - top) * down, extent[0] * across, extent[1] * down);
  }

  return { grid, inked: channels === 1, put, inherit, drawOn };
}
