// A grid of square cells over the points, which finds the one under the pointer at every frame, also among 60,000.
const PER_CELL = 4;

// `xy` has x and y of each point in turn.
export function makeGrid(xy) {
  const count = xy.length / 2;
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    left = Math.min(left, xy[2 * i]);
    right = Math.max(right, xy[2 * i]);
    low = Math.min(low, xy[2 * i + 1]);
    high = Math.max(high, xy[2 * i + 1]);
  }
  const cell = Math.max(Math.sqrt(((right - left) * (high - low) * PER_CELL) / count), 1e-6) || 1;
  const columns = Math.floor((right - left) / cell) + 1;
  const rows = Math.floor((high - low) / cell) + 1;
  const cells = new Map();
  for (let i = 0; i < count; i++) {
    const at = Math.floor((xy[2 * i + 1] - low) / cell) * columns + Math.floor((xy[2 * i] - left) / cell);
    if (!cells.has(at)) cells.set(at, []);
    cells.get(at).push(i);
  }

  // The index of the point nearest to a place, of those within `reach` for which `visible(i)` holds, or null.
  function nearestPoint(x, y, reach, visible) {
    let best = null;
    let least = reach * reach;
    const between = (value, limit) => Math.min(Math.max(value, 0), limit);
    const [first, last] = [-reach, reach].map((d) => between(Math.floor((x + d - left) / cell), columns - 1));
    const [bottom, top] = [-reach, reach].map((d) => between(Math.floor((y + d - low) / cell), rows - 1));
    for (let row = bottom; row <= top; row++)
      for (let column = first; column <= last; column++)
        for (const i of cells.get(row * columns + column) ?? []) {
          const away = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
          if (away <= least && visible(i)) [best, least] = [i, away];
        }
    return best;
  }
  return { nearestPoint };
}
