// The map without a mouse: arrows move a cursor, Enter pins what lies under it, + and - zoom, 0 shows all.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const ZOOMS = { "+": 0.7, "-": 1 / 0.7, 0: null };
const FAR = 0.02; // of the map's width, and with shift held
const FARTHER = 0.1;

export function makeKeys(map) {
  let cursor = null; // a place

  function move([right, up], far) {
    const [[x0, x1], [y0, y1]] = map.view.ranges;
    const step = far * (x1 - x0);
    const { x, y } = cursor ?? map.chosenPlace();
    cursor = { x: x + step * right, y: y + step * up };
    // At an edge the map moves along.
    const along = ([low, high], value) => Math.min(value - low, 0) + Math.max(value - high, 0);
    const [dx, dy] = [along([x0, x1], cursor.x), along([y0, y1], cursor.y)];
    if (dx || dy) map.plotted.turnTo([x0 + dx, x1 + dx], [y0 + dy, y1 + dy]);
    else again();
  }

  const again = () => cursor && map.sight.lookAt("keys", map.view.onScreen(cursor));

  function leave() {
    if (!cursor) return;
    cursor = null;
    map.sight.lookAt("keys", null);
  }

  function press(event) {
    if (!map.view.stands || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in STEPS) move(STEPS[event.key], event.shiftKey ? FARTHER : FAR);
    else if (event.key === "Enter" && cursor) map.events.click(cursor);
    else if (event.key === "Escape") leave();
    else if (event.key in ZOOMS) map.plotted.zoomBy(ZOOMS[event.key], cursor);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return { press, leave, again };
}
