// The squares that a plane is cut into, at the step that suits a window. Square (i, j) lies around
// (i · step, j · step). Steps are powers of two: so at half the step every second square is an old one.
const SMALLEST = 36; // CSS pixels; from twice that on, the step is halved
const RING = 1; // squares around the window, for a map that moves

// The squares of a window of the plane, { x0, x1, y0, y1 }, that is so many CSS pixels large: from (i, j), at
// the lower left, so many columns and rows. Null, if there is no such window: empty, upside down, infinite.
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

// The squares, from the middle outwards: each with its centre, and where it stands, rows from the top.
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
