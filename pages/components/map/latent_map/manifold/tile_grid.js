// The squares into which a plane is divided. Square (i, j) lies around (i · step, j · step). The step is a power of two,
// so that half the step keeps the images of every second square.
const SMALLEST = 36; // CSS pixels of a square; from twice that on, the step is halved
const RING = 1; // squares around the window, for a map that moves

// The squares of a window { x0, x1, y0, y1 } of the plane, drawn with this width and height in CSS pixels: the step, and
// so many columns and rows from square (i, j) at the lower left. Null for an empty, inverted or infinite window.
export function gridOf({ x0, x1, y0, y1 }, width, height) {
  const unit = Math.max((x1 - x0) / width, (y1 - y0) / height);
  const step = 2 ** Math.ceil(Math.log2(SMALLEST * unit));
  const [i, j] = [x0, y0].map((low) => Math.round(low / step) - RING);
  const [columns, rows] = [Math.round(x1 / step) - i, Math.round(y1 / step) - j].map((n) => n + 1 + RING);
  const sound = step > 0 && columns > 2 * RING && rows > 2 * RING; // false for NaN
  return sound && [step, i, j, columns, rows].every(Number.isFinite) ? { step, i, j, columns, rows } : null;
}

export function sameGrid(one, other) {
  return ["step", "i", "j", "columns", "rows"].every((name) => one[name] === other[name]);
}

// The squares, from the middle outwards: each with its centre (x, y), its column, and its row from the top.
export function squaresOf({ step, i, j, columns, rows }) {
  const squares = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const edge = Math.min(column, row, columns - 1 - column, rows - 1 - row);
      const away = Math.hypot(column - (columns - 1) / 2, row - (rows - 1) / 2);
      const [x, y] = [(i + column) * step, (j + rows - 1 - row) * step];
      squares.push({ x, y, column, row, away, outside: edge < RING });
    }
  }
  return squares.sort((a, b) => a.outside - b.outside || a.away - b.away);
}
