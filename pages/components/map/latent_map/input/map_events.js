// Events of the map for Python. Each carries what it was done on, as the server may have gone on to another run, plane
// or set of points: `map` is { points, revision, decoder }.
const CORNERS = 500; // of a lasso, at most

// `queue` is an EventQueue.
export function makeEvents(queue) {
  let clicked = null; // the number of the last click

  // A click at z, on the data point of this index or null.
  function click(z, point, map) {
    clicked = queue.emit({ kind: "click", z, point, ...map });
  }

  // A click that is not reported: the next double click has none to undo.
  function ignoreClick() {
    clicked = null;
  }

  // The last click was the first half of a double click.
  function undo() {
    if (clicked !== null) queue.emit({ kind: "undo", of: clicked });
  }

  // A line between two places z.
  function line(from, to, map) {
    queue.emit({ kind: "line", from, to, ...map });
  }

  // The corners [x, y] of a lasso or box, none if it was removed; `classes` are the labels that are visible.
  function region(corners, classes, map) {
    const each = Math.ceil(corners.length / CORNERS);
    queue.emit({ kind: "region", corners: corners.filter((_, i) => i % each === 0), classes, ...map });
  }

  return { click, ignoreClick, undo, line, region };
}
