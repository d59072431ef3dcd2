// Paths between two points of the latent space, as vae/inference/paths.py computes them.
const COUNT = 61; // points of a path
const PARALLEL = 1e-6; // sine of an angle

const dot = (one, other) => one.reduce((sum, value, k) => sum + value * other[k], 0);
const norm = (z) => Math.sqrt(dot(z, z));
const mixed = (one, other, part) => one.map((value, k) => (1 - part) * value + part * other[k]);
const parts = Array.from({ length: COUNT }, (_, i) => i / (COUNT - 1));

// Points on the line between two places.
export function straight(start, end) {
  return parts.map((part) => mixed(start, end, part));
}

// Points on the arc around the origin (Shoemake 1985), whose radius changes linearly; on the line where there is no angle
// to turn.
export function spherical(start, end) {
  const [from, to] = [norm(start), norm(end)];
  if (start.length === 1 || !from || !to) return straight(start, end);
  const [first, last] = [start.map((value) => value / from), end.map((value) => value / to)];
  const minus = first.map((value, k) => value - last[k]);
  const plus = first.map((value, k) => value + last[k]);
  const angle = 2 * Math.atan2(norm(minus), norm(plus));
  const along = dot(last, first);
  let across = last.map((value, k) => value - along * first[k]);
  if (norm(across) < PARALLEL) {
    if (angle < 1) return straight(start, end);
    across = quarterTurn(first);
  }
  const length = norm(across);
  return parts.map((part) => {
    const radius = (1 - part) * from + part * to;
    const [cos, sin] = [Math.cos(angle * part), Math.sin(angle * part)];
    return first.map((value, k) => radius * (cos * value + (sin * across[k]) / length));
  });
}

// Turned by 90° in the plane of its two largest coordinates.
function quarterTurn(direction) {
  const order = [...direction.keys()].sort((one, other) => Math.abs(direction[other]) - Math.abs(direction[one]));
  const [x, y] = order.slice(0, 2).sort((one, other) => one - other);
  const turned = direction.map(() => 0);
  [turned[x], turned[y]] = [-direction[y], direction[x]];
  return turned;
}
