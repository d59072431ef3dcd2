// Where two trainings are as far: at the same epoch, or the same step.

// Which moments say how far they are, and how far: older snapshots know no epoch.
function known(moments, by) {
  const indices = [...moments.keys()].filter((index) => moments[index][by] !== null);
  return [indices, indices.map((index) => moments[index][by])];
}

// What lies over `x` on the line through the places (xs, ys), whose xs do not fall; beyond its ends that of the end.
function interpolated(x, xs, ys) {
  const next = xs.findIndex((each) => each > x);
  if (next <= 0) return ys.at(next); // 0, or -1 for none
  return ys[next - 1] + ((x - xs[next - 1]) / (xs[next] - xs[next - 1])) * (ys[next] - ys[next - 1]);
}

// The position on a list of `others` where `by` ("epoch", "step") is what it is at a position of `moments`; null where
// one of them knows too little of it.
export function alongside(position, moments, others, by) {
  const [[indices, values], [places, reached]] = [moments, others].map((list) => known(list, by));
  if (Math.min(indices.length, places.length) < 2) return null;
  return interpolated(interpolated(position, indices, values), reached, places);
}
