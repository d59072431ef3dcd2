// A picture of a grid's squares side by side, each as large as its digit: it is drawn stretched, all at once.
// Black ink, as opaque as the grey level says.
const SQUARE = 3; // pixels of the screen
const FARTHEST = 32; // how many times coarser or finer a picture may be, to stand in for another

// Of digits with `side` pixels a side.
export function makeSheet(grid, side) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [grid.columns * side, grid.rows * side];
  // Kept in main memory: hundreds of small pictures are put there one by one.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = new ImageData(side, side);

  // The place of the whole sheet: its left and upper edge, its width and height.
  const left = (grid.i - 0.5) * grid.step;
  const top = (grid.j + grid.rows - 0.5) * grid.step;
  const extent = [grid.columns * grid.step, grid.rows * grid.step];

  // The digit of one square, in the place of what stood in for it.
  function put({ column, row }, levels) {
    for (let k = 0; k < levels.length; k++) image.data[4 * k + 3] = levels[k];
    context.putImageData(image, column * side, row * side);
  }

  // Begin with what another sheet shows of this place.
  function inherit(other) {
    const times = other.grid.step / grid.step;
    if (times > FARTHEST || times < 1 / FARTHEST) return;
    other.drawOn(context, { x0: left, y1: top, scale: [side / grid.step, side / grid.step] });
  }

  // Draw the sheet where it lies on a canvas whose upper left corner is (x0, y1); `scale` is how many of its
  // pixels one unit takes, across and down.
  function drawOn(target, { x0, y1, scale: [across, down] }) {
    // Pixels of a digit stay squares where they are large; smaller ones would be of two sizes.
    target.imageSmoothingEnabled = (grid.step / side) * across < SQUARE;
    target.drawImage(canvas, (left - x0) * across, (y1 - top) * down, extent[0] * across, extent[1] * down);
  }

  // The grey levels that stand in square (i, j).
  function levels(i, j) {
    const [column, row] = [i - grid.i, grid.j + grid.rows - 1 - j];
    const { data } = context.getImageData(column * side, row * side, side, side);
    return [...data.filter((_, k) => k % 4 === 3)];
  }

  return { grid, put, inherit, drawOn, levels };
}
