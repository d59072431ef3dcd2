// Positions on lists of moments: a whole number is a moment, between two lies the way from one to the other.

// The number of the moment whose step is nearest; of several the first, as what is live may have that of a snapshot.
export function nearest(step, moments) {
  if (!(step <= moments.at(-1)?.step)) return moments.length - 1; // there may be none
  const away = moments.map((moment) => Math.abs(moment.step - step));
  return away.indexOf(Math.min(...away));
}

// Where a position on one list of a run lies on another. A play goes on where it was; who stands at the end, which
// may have the step of the snapshot before it, follows it.
export function carried(position, before, after) {
  const last = after.length - 1;
  if (position === before.length - 1) return last;
  const { step } = before[Math.floor(position)];
  const index = after.findIndex((moment) => moment.step === step);
  return index < 0 ? last : Math.min(index + (position % 1), last);
}

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

// Where another training is as far: the position on a list of `others` where `by` ("epoch", "step") is what it is at a position of `moments`; null where
// one of them knows too little of it.
export function alongside(position, moments, others, by) {
  const [[indices, values], [places, reached]] = [moments, others].map((list) => known(list, by));
  if (Math.min(indices.length, places.length) < 2) return null;
  return interpolated(interpolated(position, indices, values), reached, places);
}
