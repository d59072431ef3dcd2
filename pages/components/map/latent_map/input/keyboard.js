// The map without a mouse: arrows move a cursor, Enter clicks at it, + and - zoom, 0 shows the whole map.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const ZOOMS = { "+": 0.7, "-": 1 / 0.7, 0: null };
const FAR = 0.02; // of the map's width, and with shift held
const FARTHER = 0.1;

// `on` has the callbacks hover(place or null), click(place), zoom(factor or null, place or null), pan(x range, y
// range), and start(), the place where the cursor appears.
export function makeKeys(on) {
  let cursor = null; // a place { x, y }

  function move([right, up], far, [[x0, x1], [y0, y1]]) {
    const step = far * (x1 - x0);
    const { x, y } = cursor ?? on.start();
    cursor = { x: x + step * right, y: y + step * up };
    // At an edge the map moves along.
    const along = ([low, high], value) => Math.min(value - low, 0) + Math.max(value - high, 0);
    const [dx, dy] = [along([x0, x1], cursor.x), along([y0, y1], cursor.y)];
    if (dx || dy) on.pan([x0 + dx, x1 + dx], [y0 + dy, y1 + dy]);
    else again();
  }

  // Hovers the cursor once more, after the map has changed.
  function again() {
    if (cursor) on.hover(cursor);
  }

  function leave() {
    if (!cursor) return;
    cursor = null;
    on.hover(null);
  }

  // Handles a key; `ranges` are those that the map shows.
  function press(event, ranges) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in STEPS) move(STEPS[event.key], event.shiftKey ? FARTHER : FAR, ranges);
    else if (event.key === "Enter" && cursor) on.click(cursor);
    else if (event.key === "Escape") leave();
    else if (event.key in ZOOMS) on.zoom(ZOOMS[event.key], cursor);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return { press, leave, again };
}
