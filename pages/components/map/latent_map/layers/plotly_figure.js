// The map as a Plotly figure: its axes, and the points as traces of one colour each. The traces are as those that the
// legend of a chart has switched off: Plotly knows the points, and points_canvas.js draws them, at every frame.
import { paletteOf } from "./point_colours.js";

const LEAST = 3.5; // how far the whole map reaches on either side of 0

// Traces of the points with these numbers of colours (point_colours.js).
export function traces({ xy }, numbers, look, mark) {
  const palette = paletteOf(look);
  const members = palette.map(() => []);
  numbers.forEach((number, i) => members[number]?.push(i)); // a hidden one's colour is not in the palette
  return palette
    .map((color, k) => ({
      type: "scatter",
      mode: "markers",
      x: Float32Array.from(members[k], (i) => xy[2 * i]),
      y: Float32Array.from(members[k], (i) => xy[2 * i + 1]),
      marker: { color, ...mark },
      visible: "legendonly",
      showlegend: false,
    }))
    .filter(({ x }) => x.length > 0);
}

// Ranges that hold all points, [[x0, x1], [y0, y1]]: given to Plotly, so that hiding a class does not move the map. They
// show at least 3.5 standard deviations of the prior on either side, so that a collapsed posterior looks collapsed. Where
// the latent space is a line, that holds across only: upwards is the log-variance.
export function home(points, line) {
  return [0, 1].map((coordinate) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = coordinate; i < points.xy.length; i += 2) {
      low = Math.min(low, points.xy[i]);
      high = Math.max(high, points.xy[i]);
    }
    const margin = 0.05 * (high - low) || 1;
    const [first, last] = [low - margin, high + margin];
    return coordinate && line ? [first, last] : [Math.min(first, -LEAST), Math.max(last, LEAST)];
  });
}

// `draws` counts the figures: a selection in one is not kept in the next.
export function layout(ranges, names, draws) {
  const axis = (coordinate) => ({
    title: { text: names[coordinate], standoff: 4 },
    type: "linear",
    range: [...ranges[coordinate]], // Plotly writes into it
    zeroline: true,
  });
  return {
    uirevision: "map", // the mode that was chosen stays
    selectionrevision: draws,
    selections: [],
    dragmode: "pan",
    hovermode: false, // the point under the pointer is found by spatial_index.js
    autosize: true,
    margin: { l: 48, r: 8, t: 32, b: 44 },
    xaxis: axis(0),
    yaxis: { ...axis(1), scaleanchor: "x" },
  };
}
