// The test set's points at a moment of a training, computed as `map_points` (stores/points) does for the newest weights.
const CACHE = new WeakMap(); // moment -> { key, points }

// `moment` has the posteriors { mean, logvar }; `newest` are the same pictures' points under the newest weights, of which
// the labels are kept, and the reconstruction losses, which are in no snapshot.
export function momentPoints(moment, newest, plane) {
  const { first, second, base } = plane;
  const cached = CACHE.get(moment);
  const key = JSON.stringify([newest.name, first, second, base]);
  if (cached?.key === key) return cached.points;
  const points = { ...newest, ...computed(moment, newest, plane) };
  CACHE.set(moment, { key, points });
  return points;
}

function computed({ mean, logvar }, { name, labels, values }, { base, first, second }) {
  const count = labels.length;
  const size = base.length;
  const line = !second.some(Boolean);
  const [xy, covariance] = [new Float32Array(2 * count), new Float32Array(3 * count)];
  const [kl, deviation] = [new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    let [x, y, xx, xxy, yy, nats, sum] = [0, 0, 0, 0, 0, 0, 0];
    for (let k = 0; k < size; k++) {
      const m = mean[i * size + k];
      const l = logvar[i * size + k];
      const variance = Math.exp(l);
      x += (m - base[k]) * first[k];
      y += (m - base[k]) * second[k];
      xx += variance * first[k] * first[k];
      xxy += variance * first[k] * second[k];
      yy += variance * second[k] * second[k];
      nats += (m * m + variance - 1 - l) / 2; // Kingma & Welling 2013, appendix B
      sum += l;
    }
    xy[2 * i] = x;
    xy[2 * i + 1] = line ? logvar[i] : y;
    covariance[3 * i] = xx;
    covariance[3 * i + 1] = xxy;
    covariance[3 * i + 2] = yy;
    kl[i] = nats;
    deviation[i] = Math.exp(sum / size / 2);
  }
  const distance = distances(mean, labels, size);
  const own = { ...values, kl, deviation, distance };
  return { name: `${name}, earlier moment`, xy, covariance, values: own };
}

// The distance of each mean to the mean of its class.
function distances(mean, labels, size) {
  const classes = Math.max(...labels) + 1;
  const [sums, counts] = [new Float64Array(classes * size), new Float64Array(classes)];
  labels.forEach((label, i) => {
    counts[label] += 1;
    for (let k = 0; k < size; k++) sums[label * size + k] += mean[i * size + k];
  });
  const away = new Float32Array(labels.length);
  labels.forEach((label, i) => {
    let square = 0;
    for (let k = 0; k < size; k++) square += (mean[i * size + k] - sums[label * size + k] / counts[label]) ** 2;
    away[i] = Math.sqrt(square);
  });
  return away;
}
