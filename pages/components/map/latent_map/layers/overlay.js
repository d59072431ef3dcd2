// What is drawn over the points and may change at every frame: pins, the hovered place, paths, ellipses, the prior's
// contours. On a canvas of its own, as a change of Plotly's figure takes 30 ms.

const TURN = 2 * Math.PI;
const FARTHEST = 1e6; // pixels: coordinates beyond this are drawn wrongly or not at all

// Dark on light and light on dark: visible on every background and every colour.
function twice(context, width, path) {
  for (const [colour, more] of [["#ffffff", 2.5], ["#000000", 0]]) {
    context.strokeStyle = colour;
    context.lineWidth = width + more;
    context.beginPath();
    path();
    context.stroke();
  }
}

// Half axes and angle of the ellipse (x y) C⁻¹ (x y)ᵀ = 1, C = [[xx, xy], [xy, yy]].
function axesOf([xx, xy, yy]) {
  const middle = (xx + yy) / 2;
  const half = Math.hypot((xx - yy) / 2, xy);
  const roots = [middle + half, middle - half].map((value) => Math.sqrt(Math.max(value, 0)));
  return { roots, angle: Math.atan2(2 * xy, xx - yy) / 2 };
}

// What is marked, in map coordinates: pins, place, ellipses.
function marksOf({ view, key, pictures, layers, hovered, points, pins, ellipse }) {
  const { covariance, xy } = points;
  const own = hovered.chart === key;
  // A data point hovered on another map of the same set is marked on this one, too.
  const sameSet = own || (hovered.pictures !== null && hovered.pictures === pictures);
  const i = sameSet ? hovered.index : null;
  const point = i !== null && {
    at: xy.subarray(2 * i, 2 * i + 2),
    covariance: covariance.subarray(3 * i, 3 * i + 3),
  };
  const fits = hovered.z?.length === view.plane.base.length && !(own && hovered.source === "map");
  const shownEllipse = point || ellipse;
  return {
    pins: point && !own ? [...pins, [...point.at]] : pins,
    place: fits ? view.toMap(hovered.z) : null,
    ellipses: shownEllipse && layers.includes("ellipses") ? [shownEllipse] : [],
  };
}

// The contours of N(0, I): circles, or pairs of lines where the latent space has one dimension.
function drawPrior(context, { at: [x, y], radii, line }, height, ink, paper) {
  context.strokeStyle = context.fillStyle = ink;
  context.globalAlpha = 0.7;
  context.lineWidth = 1.2;
  context.font = "12px sans-serif";
  radii.forEach((radius, i) => {
    context.setLineDash([6, 4]);
    context.beginPath();
    if (line)
      for (const side of [-1, 1]) {
        context.moveTo(x + side * radius, 0);
        context.lineTo(x + side * radius, height);
      }
    else context.arc(x, y, radius, 0, TURN);
    context.stroke();
    context.setLineDash([]);
    const [left, top] = line ? [x + radius, 14] : [x, y - radius - 4];
    context.strokeStyle = paper;
    context.lineWidth = 3;
    context.strokeText(`${i + 1} σ`, left + 3, top);
    context.fillText(`${i + 1} σ`, left + 3, top);
    context.strokeStyle = ink;
    context.lineWidth = 1.2;
  });
  context.globalAlpha = 1;
}

// Draws the overlay of a map. The state is what it shows:
//   key, pictures  the names of the map and of its real pictures
//   layers, prior  the names of the layers that are shown; the prior's { at, radii, line }
//   hovered        the page's last hover event
//   points         { xy, covariance } of the points
//   pins           [[x, y]…], y null if z has one number; chosen, the index of one; ellipse, its { at, covariance } or null
//   lines          [[x, y]…] each
//   ink, paper     the theme's colours of text and background
export function drawOverlay(canvas, view, state) {
  const { layers, prior, chosen, lines, ink, paper } = state;
  const { pins, place, ellipses } = marksOf({ ...state, view });
  const { width, height } = view.area;
  canvas.hidden = false;
  for (const [name, value] of Object.entries(view.area)) canvas.style[name] = `${value}px`;
  const ratio = window.devicePixelRatio;
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const { toPixels } = view;
  // Where the latent space is a line, a place is all that is above each other, and a path lies half way up.
  const clamped = (value) => Math.min(Math.max(value, -FARTHEST), FARTHEST);
  const pixel = ([x, y]) => {
    const [left, top] = toPixels(x, y ?? 0);
    return [clamped(left), y === null ? height / 2 : clamped(top)];
  };
  const unit = 1 / view.distance(1); // pixels

  if (layers.includes("prior")) {
    const { at, radii, line } = prior;
    drawPrior(context, { at: pixel(at), radii: radii.map((radius) => radius * unit), line }, height, ink, paper);
  }
  for (const { at, covariance } of ellipses) {
    const [x, y] = pixel(at);
    const { roots, angle } = axesOf(covariance);
    for (const sigmas of [1, 2]) {
      const [wide, narrow] = roots.map((root) => Math.min(root * sigmas * unit, FARTHEST));
      twice(context, 1.2, () => context.ellipse(x, y, wide, narrow, -angle, 0, TURN));
    }
  }
  for (const line of lines)
    twice(context, 2, () => {
      for (const [i, each] of line.entries()) context[i ? "lineTo" : "moveTo"](...pixel(each));
    });
  const ring = (at, radius, width) => {
    const [x, y] = pixel(at);
    twice(context, width, () => {
      context.arc(x, y, radius, 0, TURN);
      if (at[1] === null)
        for (const side of [-1, 1]) {
          context.moveTo(x, y + side * radius);
          context.lineTo(x, side < 0 ? 0 : height);
        }
    });
    return [x, y];
  };
  pins.forEach((pin, number) => (number === chosen ? ring(pin, 8, 3) : ring(pin, 5, 1.5)));
  if (place) {
    const [x, y] = ring(place, 6, 2);
    const ticks = [[1, 0], [-1, 0], [0, 1], [0, -1]];
    twice(context, 2, () => {
      for (const [dx, dy] of ticks) {
        context.moveTo(x + 6 * dx, y + 6 * dy);
        context.lineTo(x + 14 * dx, y + 14 * dy);
      }
    });
  }
}
