// A range widened by a factor, about the value `fixed`.
export const widened = (range, fixed, factor) => range.map((each) => fixed + (each - fixed) * factor);

// Whether the latent space has one dimension.
export const isLine = ({ second }) => !second.some(Boolean);

// [x, y] of z, projected at a right angle onto a plane; y is null where the latent space has one dimension.
export function onPlane(z, plane) {
  const along = (axis) => axis.reduce((sum, part, k) => sum + part * (z[k] - plane.base[k]), 0);
  return [along(plane.first), isLine(plane) ? null : along(plane.second)];
}

// Converts between places of the map { x, y }, places of the latent space (Z numbers) and pixels, by the plane that the
// map shows and the axes of its chart as they are now.
export class View {
  plane = null; // { base, first, second }

  // Of a PlotlyChart.
  constructor(chart) {
    this.chart = chart;
  }

  // Whether the chart has axes yet.
  get ready() {
    return this.chart.drawn;
  }

  // The visible part of the map: [[x0, x1], [y0, y1]].
  get ranges() {
    const { x, y } = this.chart.axes();
    return [x.range, y.range];
  }

  get middle() {
    const [x, y] = this.ranges.map(([low, high]) => (low + high) / 2);
    return { x, y };
  }

  // The plot area in the chart, in pixels.
  get area() {
    const { x, y } = this.chart.axes();
    return { left: x.offset, top: y.offset, width: x.length, height: y.length };
  }

  // A length in pixels as one on the map: both axes have the same unit.
  distance(pixels) {
    const { x } = this.chart.axes();
    return pixels / Math.abs(x.toPixel(1) - x.toPixel(0));
  }

  // A place with as few digits as give a tenth of a pixel, as people read and type URLs; or with some more.
  rounded({ x, y }, more = 0) {
    const digits = Math.min(Math.max(0, Math.ceil(1 + more - Math.log10(this.distance(1)))), 15);
    return { x: Number(x.toFixed(digits)), y: Number(y.toFixed(digits)) };
  }

  // Pixels of the plot area, from a function that converts many places with the same axes.
  get toPixels() {
    const { x, y } = this.chart.axes();
    return (across, upwards) => [x.toPixel(across), y.toPixel(upwards)];
  }

  // A place with its pixels in the browser's window.
  onScreen({ x, y }) {
    const { left, top } = this.chart.element.getBoundingClientRect();
    const axes = this.chart.axes();
    const clientX = left + axes.x.offset + axes.x.toPixel(x);
    const clientY = top + axes.y.offset + axes.y.toPixel(y);
    return { x, y, clientX, clientY };
  }

  // The place under a pixel of the browser's window.
  fromScreen({ clientX, clientY }) {
    const { left, top } = this.chart.element.getBoundingClientRect();
    const axes = this.chart.axes();
    const x = axes.x.toValue(clientX - left - axes.x.offset);
    const y = axes.y.toValue(clientY - top - axes.y.offset);
    return { x, y, clientX, clientY };
  }

  // z of a place of the map.
  toLatent({ x, y }) {
    const { base, first, second } = this.plane;
    return base.map((value, k) => value + x * first[k] + y * second[k]);
  }

  // [x, y] of z (`onPlane`).
  toMap(z) {
    return onPlane(z, this.plane);
  }
}
