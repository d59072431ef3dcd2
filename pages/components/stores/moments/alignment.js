// Positions on lists of moments: a whole number is the index of a moment, between two of them is the transition.

// The index of the moment nearest to a step; of several the first, as the live moment may have a snapshot's step.
export function nearestMoment(step, moments) {
  if (!(step <= moments.at(-1)?.step)) return moments.length - 1; // the list may be empty
  const distances = moments.map((moment) => Math.abs(moment.step - step));
  return distances.indexOf(Math.min(...distances));
}

// A position on one list of a run, transferred to a newer list of that run. The end stays the end, though it may have
// the step of the snapshot before it; a transition goes on.
export function transferredPosition(position, before, after) {
  const last = after.length - 1;
  if (position === before.length - 1) return last;
  const { step } = before[Math.floor(position)];
  const index = after.findIndex((moment) => moment.step === step);
  return index < 0 ? last : Math.min(index + (position % 1), last);
}

// The indices of the moments at which `by` ("epoch", "step") is known, and its values: older snapshots have no epoch.
function knownValues(moments, by) {
  const indices = [...moments.keys()].filter((index) => moments[index][by] !== null);
  return [indices, indices.map((index) => moments[index][by])];
}

// Linear interpolation at `x` through the points (xs, ys) with xs that do not fall; constant beyond the ends.
function interpolated(x, xs, ys) {
  const next = xs.findIndex((each) => each > x);
  if (next <= 0) return ys.at(next); // 0, or -1 for none
  return ys[next - 1] + ((x - xs[next - 1]) / (xs[next] - xs[next - 1])) * (ys[next] - ys[next - 1]);
}

// The position on a list of `others` where `by` ("epoch", "step") has the value that it has at a position of `moments`;
// null where one of the lists has fewer than two known values.
export function alignedPosition(position, moments, others, by) {
  const [[indices, values], [places, reached]] = [moments, others].map((list) => knownValues(list, by));
  if (Math.min(indices.length, places.length) < 2) return null;
  return interpolated(interpolated(position, indices, values), reached, places);
}
