// Families of parallel planes through the latent space, as vae/inference/planes.py computes them:
// { first, second, centre, names, shown }, which are a `Directions` there.
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
export const axisName = (k) => `z${[...String(k + 1)].map((digit) => SUBSCRIPTS[digit]).join("")}`;

const dot = (one, other) => one.reduce((sum, value, k) => sum + value * other[k], 0);

// The planes along two axes of a latent space of this size.
export function axisDirections(size, axes) {
  const along = (axis) => Array.from({ length: size }, (_, k) => Number(k === axis));
  const names = axes.map(axisName);
  return { first: along(axes[0]), second: along(axes[1]), centre: Array(size).fill(0), names, shown: names.join(" and ") };
}

// The plane of a family that contains the place z.
export function planeThrough(z, { first, second, centre, names }) {
  const away = z.map((value, k) => value - centre[k]);
  const [x, y] = [dot(away, first), dot(away, second)];
  const base = z.map((value, k) => value - x * first[k] - y * second[k]);
  return { base, first, second, names };
}
