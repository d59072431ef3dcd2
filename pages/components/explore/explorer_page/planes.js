// Planes along two latent axes, and the points of the test set on them, as vae/inference/planes.py computes them.
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
export const axisName = (k) => `z${[...String(k + 1)].map((digit) => SUBSCRIPTS[digit]).join("")}`;

// The plane along two axes that contains the place z.
export function planeThrough(z, axes) {
  const [first, second] = axes.map((axis) => z.map((_, k) => Number(k === axis)));
  const base = z.map((value, k) => (axes.includes(k) ? 0 : value));
  return { base, first, second, names: axes.map(axisName) };
}

// A set of points on the plane along two axes; `posteriors` has mean and log-variance of each point, one after the other.
export function pointsOn(set, posteriors, axes) {
  const count = set.labels.length;
  const size = posteriors.length / (2 * count);
  const [xy, covariance] = [new Float32Array(2 * count), new Float32Array(3 * count)];
  for (let i = 0; i < count; i++)
    axes.forEach((axis, side) => {
      const at = 2 * size * i + axis;
      xy[2 * i + side] = posteriors[at];
      covariance[3 * i + 2 * side] = Math.exp(posteriors[at + size]); // xx, xy, yy
    });
  return { ...set, name: `${set.name} ${axes}`, xy, covariance };
}
