// What lies over the points and changes at every frame: pins, the place that is looked at, paths, ellipses,
// the prior's contours. A canvas of its own, as a change of Plotly's figure takes 30 ms.

const TURN = 2 * Math.PI;

// Dark on light and light on dark: seen on every background and every colour.
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

// `marks` says what is drawn, in map coordinates:
//   pins [[x, y]…], y null where a place has no height; chosen, the number of one of them, or null;
//   place [x, y] or null; lines [[[x, y]…]…]; ellipses [{ at: [x, y], covariance }…];
//   prior { at: [x, y], radii, line } or null; ink and paper, the theme's colours.
export function drawMarks(canvas, view, marks) {
  const { width, height } = view.area;
  for (const [name, value] of Object.entries(view.area)) canvas.style[name] = `${value}px`;
  const ratio = window.devicePixelRatio;
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  // Far outside a canvas refuses to draw, or draws something else.
  const [across, upwards] = view.axes;
  const pixel = ([x, y]) => [across.d2p(x), upwards.d2p(y)].map((at) => Math.min(Math.max(at, -1e6), 1e6));
  const unit = 1 / view.distance(1); // pixels

  if (marks.prior) {
    context.strokeStyle = context.fillStyle = marks.ink;
    context.globalAlpha = 0.7;
    context.lineWidth = 1.2;
    context.font = "12px sans-serif";
    const [x, y] = pixel(marks.prior.at);
    marks.prior.radii.forEach((radius, i) => {
      context.setLineDash([6, 4]);
      context.beginPath();
      if (marks.prior.line)
        for (const side of [-1, 1]) {
          context.moveTo(x + side * radius * unit, 0);
          context.lineTo(x + side * radius * unit, height);
        }
      else context.arc(x, y, radius * unit, 0, TURN);
      context.stroke();
      context.setLineDash([]);
      const [left, top] = marks.prior.line ? [x + radius * unit, 14] : [x, y - radius * unit - 4];
      context.strokeStyle = marks.paper;
      context.lineWidth = 3;
      context.strokeText(`${i + 1} σ`, left + 3, top);
      context.fillText(`${i + 1} σ`, left + 3, top);
      context.strokeStyle = marks.ink;
      context.lineWidth = 1.2;
    });
    context.globalAlpha = 1;
  }
  for (const { at, covariance } of marks.ellipses) {
    const [x, y] = pixel(at);
    const { roots, angle } = axesOf(covariance);
    for (const sigmas of [1, 2]) {
      const [wide, narrow] = roots.map((root) => Math.min(root * sigmas * unit, 1e6));
      twice(context, 1.2, () => context.ellipse(x, y, wide, narrow, -angle, 0, TURN));
    }
  }
  // Where the latent space is a line, a place is all that is above each other, and a path lies in the middle.
  const half = upwards.p2d(height / 2);
  for (const line of marks.lines)
    twice(context, 2, () => {
      for (const [i, [x, y]] of line.entries()) context[i ? "lineTo" : "moveTo"](...pixel([x, y ?? half]));
    });
  const ring = (place, radius, width) => {
    const [x, y] = pixel([place[0], place[1] ?? half]);
    twice(context, width, () => {
      context.arc(x, y, radius, 0, TURN);
      if (place[1] === null)
        for (const side of [-1, 1]) {
          context.moveTo(x, y + side * radius);
          context.lineTo(x, side < 0 ? 0 : height);
        }
    });
    return [x, y];
  };
  marks.pins.forEach((pin, number) => (number === marks.chosen ? ring(pin, 8, 3) : ring(pin, 5, 1.5)));
  if (marks.place) {
    const [x, y] = ring(marks.place, 6, 2);
    const ticks = [[1, 0], [-1, 0], [0, 1], [0, -1]];
    twice(context, 2, () => {
      for (const [dx, dy] of ticks) {
        context.moveTo(x + 6 * dx, y + 6 * dy);
        context.lineTo(x + 14 * dx, y + 14 * dy);
      }
    });
  }
}
