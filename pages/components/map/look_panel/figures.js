// Figures of a place or of a test image, as text.
import { named, placeText, shown } from "../../shell/hover_event.js";
import { onPlane } from "../latent_map/view.js";

// z as text: all of its coordinates if it has one or two, else those on the map's plane, which has `names` for them.
export function pointText(z, plane) {
  const where = plane?.names.length ? named(onPlane(z, plane), plane.names) : null;
  return placeText(z, where);
}

// The log-density of N(0, I), in nats; at z = 0 it is highest.
export function logDensity(z) {
  return -(z.length * Math.log(2 * Math.PI) + z.reduce((sum, value) => sum + value * value, 0)) / 2;
}

export const densityText = (z) => `log-density under the prior ${grouped(logDensity(z))}`;

// The KL of a posterior of this mean and log-variance from N(0, I), in nats (Kingma & Welling 2013, appendix B).
export function klOf(mean, logvar) {
  return mean.reduce((sum, m, k) => sum + (m * m + Math.exp(logvar[k]) - 1 - logvar[k]) / 2, 0);
}

// The losses of an image, in nats; the reconstruction loss is null where it is not known.
export function lossText(reconstruction, kl) {
  const text = `KL ${shown(kl, 1)}`;
  if (reconstruction === null) return `${text} nats`;
  return `reconstruction ${shown(reconstruction, 1)} + ${text} = ${shown(reconstruction + kl, 1)} nats`;
}

// With two decimals and commas between thousands.
function grouped(value) {
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return value.toLocaleString("en", options).replace("-", "−");
}
