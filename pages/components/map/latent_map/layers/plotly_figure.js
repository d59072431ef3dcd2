// The points as a Plotly figure: traces of one colour each, which Plotly draws fastest.

const SLICES = 2; // of each colour, drawn in turn: else the last class would hide the others

// The values at the ends of the colour scale: the 1st and 99th percentile, as outliers must not take all colours.
export function bounds(values) {
  const sorted = Float32Array.from(values).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.01), at(0.99)];
}

// For each colour the indices of its points, without those of hidden classes; `spread` are the points over whose values
// a colouring by numbers spreads its colours.
export function groups(points, { colouring, colours, scale }, hidden, spread) {
  const { labels, values } = points;
  const palette = colouring === "class" ? colours : scale;
  const members = palette.map(() => []);
  const chosen = values[colouring];
  const [low, high] = chosen ? bounds(spread.values[colouring]) : [0, 1];
  const width = (high - low) / palette.length || 1;
  for (let i = 0; i < labels.length; i++) {
    if (hidden.has(labels[i])) continue;
    const bin = chosen ? Math.floor((chosen[i] - low) / width) : labels[i];
    members[Math.min(Math.max(bin, 0), palette.length - 1)].push(i);
  }
  return palette.map((colour, k) => ({ colour, members: members[k] }));
}

// Size and opacity of the dots: small and faint where many overlap, larger and clearer when zoomed in.
export function marker(count, zoom) {
  const crowd = Math.min(1, Math.sqrt(10000 / Math.max(count, 1)));
  const grown = Math.max(zoom, 1) ** 0.4;
  return {
    size: Math.min(2 + 2 * crowd * grown, 10),
    opacity: Math.min(0.35 + 0.3 * crowd + 0.1 * (grown - 1), 0.9),
  };
}

export function traces(points, parts, mark, type) {
  const slices = [...Array(SLICES).keys()].flatMap((slice) =>
    parts.map(({ colour, members }) => ({ colour, members: members.filter((_, k) => k % SLICES === slice) })),
  );
  return slices
    .filter(({ members }) => members.length > 0)
    .map(({ colour, members }) => ({
      type,
      mode: "markers",
      x: Float32Array.from(members, (i) => points.xy[2 * i]),
      y: Float32Array.from(members, (i) => points.xy[2 * i + 1]),
      marker: { color: colour, ...mark },
      hoverinfo: "skip",
      showlegend: false,
      selected: { marker: { opacity: 1 } },
      unselected: { marker: { opacity: 0.12 } },
    }));
}

// Ranges that hold all points, [[x0, x1], [y0, y1]]: given to Plotly, so that hiding a class does not move the map.
export function home(points) {
  return [0, 1].map((coordinate) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = coordinate; i < points.xy.length; i += 2) {
      low = Math.min(low, points.xy[i]);
      high = Math.max(high, points.xy[i]);
    }
    const margin = 0.05 * (high - low) || 1;
    return [low - margin, high + margin];
  });
}

// `draws` counts the figures: a selection in one is not kept in the next.
export function layout(ranges, names, draws) {
  const axis = (coordinate) => ({
    title: { text: names[coordinate], standoff: 4 },
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
