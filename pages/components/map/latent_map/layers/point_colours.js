// Which colour each point of a map has, and how large and opaque its dot is.
import { HIDDEN, OUTSIDE } from "./points_canvas.js";

// The values at the ends of the colour scale: the 1st and 99th percentile, as outliers must not take all colours.
export function bounds(values) {
  const sorted = Float32Array.from(values).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.01), at(0.99)];
}

// The colours that the points of a look can have: many classes share theirs in turn.
export const paletteOf = ({ colouring, colours, scale }) => (colouring === "class" ? [...new Set(colours)] : scale);

// The number of each point's colour in the palette, HIDDEN for those of hidden classes; `spread` are the points over
// whose values a colouring by numbers spreads its colours.
export function colourNumbers({ labels, values }, look, hidden, spread) {
  const count = paletteOf(look).length;
  const numbers = new Uint8Array(labels.length);
  const chosen = values[look.colouring];
  const [low, high] = chosen ? bounds(spread.values[look.colouring]) : [0, 1];
  const width = (high - low) / count || 1;
  for (let i = 0; i < labels.length; i++) {
    const bin = chosen ? Math.floor((chosen[i] - low) / width) : labels[i] % count;
    numbers[i] = hidden.has(labels[i]) ? HIDDEN : Math.min(Math.max(bin, 0), count - 1);
  }
  return numbers;
}

// The same with OUTSIDE added for the points that lie outside of a polygon, [[x, y]…].
export function setApart(numbers, xy, polygon) {
  return numbers.map((number, i) =>
    number === HIDDEN || inside(xy[2 * i], xy[2 * i + 1], polygon) ? number : number + OUTSIDE,
  );
}

// Whether a ray to the right crosses the polygon's edges an odd number of times.
function inside(x, y, polygon) {
  let odd = false;
  for (let k = 0, j = polygon.length - 1; k < polygon.length; j = k++) {
    const [[x0, y0], [x1, y1]] = [polygon[k], polygon[j]];
    if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) odd = !odd;
  }
  return odd;
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
