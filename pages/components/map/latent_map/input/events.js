// What happens on the map, told to the server with all that it means here: it may have turned to another run,
// plane or set meanwhile. While another map is seen than the one that is asked for, nothing is told.
const CORNERS = 500; // of a lasso, at most

export function makeEvents(map) {
  let clicked = null; // the number of the last click that was told

  const here = () => {
    const { points, moments, revision, decoder } = map.data;
    return { points: map.past.active ? moments.points : points, revision, decoder };
  };
  const at = (place) => map.view.at(map.view.rounded(place));

  function click(place) {
    clicked = null;
    if (!map.stands) return;
    clicked = map.telling.emit({ kind: "click", z: at(place), point: map.sight.over(place), ...here() });
  }

  // The click before was the first half of a double click.
  function undo() {
    if (clicked !== null) map.telling.emit({ kind: "undo", of: clicked });
  }

  function line(from, to) {
    if (map.stands) map.telling.emit({ kind: "line", from: at(from), to: at(to), ...here() });
  }

  // Corners of a lasso or a box; none, if it was taken away.
  function region(corners) {
    if (!map.stands) return;
    const few = Math.ceil(corners.length / CORNERS);
    const told = corners.filter((_, i) => i % few === 0);
    const classes = map.data.classes.map((_, label) => label).filter((label) => !map.hidden.has(label));
    map.telling.emit({ kind: "region", corners: told, classes, ...here() });
  }

  return { click, undo, line, region };
}
