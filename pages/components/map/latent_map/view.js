// A range seen `times` as wide, what lies at `fixed` staying where it is.
export const widened = (range, fixed, times) => range.map((each) => fixed + (each - fixed) * times);

// Where places of the map are in the latent space and on the screen: by the plane that it shows, and by
// Plotly's axes as they stand.
export class View {
  constructor(chart) {
    this.chart = chart;
    this.plane = null;
  }

  get stands() {
    return Boolean(this.chart._fullLayout);
  }

  get axes() {
    const { xaxis, yaxis } = this.chart._fullLayout;
    return [xaxis, yaxis];
  }

  // What is seen: [[x0, x1], [y0, y1]].
  get ranges() {
    return this.axes.map(({ range }) => range.map(Number));
  }

  get middle() {
    const [x, y] = this.ranges.map(([low, high]) => (low + high) / 2);
    return { x, y };
  }

  // The plot area in the chart, in pixels.
  get area() {
    const [x, y] = this.axes;
    return { left: x._offset, top: y._offset, width: x._length, height: y._length };
  }

  // Pixels, as a distance on the map: both axes have the same unit.
  distance(pixels) {
    const [x] = this.axes;
    return pixels / Math.abs(x.d2p(1) - x.d2p(0));
  }

  // A place in as few digits as tell a tenth of a pixel: people read and type addresses.
  rounded({ x, y }) {
    const digits = Math.min(Math.max(0, Math.ceil(1 - Math.log10(this.distance(1)))), 15);
    return { x: Number(x.toFixed(digits)), y: Number(y.toFixed(digits)) };
  }

  onScreen({ x, y }) {
    const { left, top } = this.chart.getBoundingClientRect();
    const area = this.area;
    const [across, upwards] = this.axes;
    const clientX = left + area.left + across.d2p(x);
    const clientY = top + area.top + upwards.d2p(y);
    return { x, y, clientX, clientY };
  }

  // What lies under the pointer.
  fromScreen({ clientX, clientY }) {
    const { left, top } = this.chart.getBoundingClientRect();
    const area = this.area;
    const [across, upwards] = this.axes;
    const x = across.p2d(clientX - left - area.left);
    const y = upwards.p2d(clientY - top - area.top);
    return { x, y, clientX, clientY };
  }

  at({ x, y }) {
    const { base, first, second } = this.plane;
    return base.map((value, k) => value + x * first[k] + y * second[k]);
  }

  // Seen at a right angle, if it lies beside the plane. Where the latent space is a line, it has no height.
  onMap(z) {
    const { base, first, second } = this.plane;
    const along = (axis) => axis.reduce((sum, part, k) => sum + part * (z[k] - base[k]), 0);
    return [along(first), second.some(Boolean) ? along(second) : null];
  }
}
