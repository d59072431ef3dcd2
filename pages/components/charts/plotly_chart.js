// A Plotly chart. The only module that uses private parts of Plotly: those of plotly.js 4.1.1 (plotly 7.1.0 for
// Python). If another version lacks them, charts do with its public ones, and the console has a warning.
import { loadPlotly } from "./plotly.js";

const PLOT_AREA = ".nsewdrag"; // what a pointer drags in each panel
const MODIFIERS = ["shiftKey", "altKey"]; // by which Plotly adds to a selection, or takes away from it
let missing = null; // whether private parts are missing; null until a first chart is drawn

const warnings = new Set(); // that the console has
function warn({ version }, consequence) {
  if (!warnings.has(consequence)) console.warn(`Plotly ${version} lacks parts of 4.1.1, so ${consequence}.`);
  warnings.add(consequence);
}

// An axis, from Plotly's own axis object: its range, its offset in the chart and its length in pixels, and conversions
// between values and pixels of the panel.
function privateAxis(axis) {
  const { range, _offset: offset, _length: length } = axis;
  const [toPixel, toValue] = [(value) => axis.d2p(value), (pixel) => axis.p2d(pixel)];
  return { range: range.map(Number), offset, length, toPixel, toValue };
}

// The same from the public layout: numbers on a linear or logarithmic axis; `ends` are the values at its first and
// its last pixel.
function publicAxis({ type }, range, ends, offset, length) {
  const [scaled, unscaled] = type === "log" ? [Math.log10, (exponent) => 10 ** exponent] : [Number, Number];
  const [first, last] = ends;
  const toPixel = (value) => ((scaled(value) - first) / (last - first)) * length;
  const toValue = (pixel) => unscaled(first + (pixel / length) * (last - first));
  return { range, offset, length, toPixel, toValue };
}

// A range widened about its middle to `units` a pixel: what Plotly does where one axis has the scale of another.
function widenedTo(units, [low, high], length) {
  const [middle, half] = [(low + high) / 2, (units * length * Math.sign(high - low)) / 2];
  return [middle - half, middle + half];
}

export class PlotlyChart {
  drawn = false;
  pressed = false; // a pointer is down on the chart and may drag: its axes must not move under it

  // In an element, until `signal` is aborted.
  constructor(element, signal) {
    this.element = element;
    const options = { signal, capture: true };
    element.addEventListener("pointerdown", ({ button }) => (this.pressed = button === 0), options);
    for (const type of ["pointerup", "pointercancel"])
      window.addEventListener(type, () => (this.pressed = false), options);
  }

  // Loads Plotly from a URL.
  async load(url) {
    this.Plotly = await loadPlotly(url);
  }

  // Draws a figure, or changes the one that is there.
  async draw(data, layout, config) {
    await this.Plotly.react(this.element, data, layout, config);
    this.drawn = true;
    missing ??= !this.hasPrivateParts();
  }

  hasPrivateParts() {
    const { _subplots: subplots, _plots: plots } = this.element._fullLayout ?? {};
    const axes = subplots?.cartesian?.flatMap((name) => [plots?.[name]?.xaxis, plots?.[name]?.yaxis]);
    const whole = (axis) =>
      [axis?.d2p, axis?.p2d].every((convert) => typeof convert === "function") &&
      [axis._offset, axis._length].every(Number.isFinite);
    if (axes?.every(whole)) return true;
    warn(this.Plotly, "charts compute places from its public layout");
    return false;
  }

  // Where axes are tied, `react` returns to the ranges of the first figure (plotly.js 4.1.1), unless it forgets them.
  forgetFirstRanges() {
    for (const axis of Object.values(this.element._fullLayout ?? {})) if (axis?._inputRange) delete axis._inputRange;
  }

  // The names of the panels, such as "xy" and "x2y2".
  get panels() {
    if (!this.drawn) return [];
    if (!missing) return this.element._fullLayout._subplots.cartesian;
    return [...this.element.querySelectorAll(PLOT_AREA)].map(({ dataset }) => dataset.subplot);
  }

  // The axes { x, y } of a panel, or null if there is none of this name.
  axes(panel = "xy") {
    if (!this.panels.includes(panel)) return null;
    const { element } = this;
    if (!missing) {
      const { xaxis, yaxis } = element._fullLayout._plots[panel];
      return { x: privateAxis(xaxis), y: privateAxis(yaxis) };
    }
    const area = element.querySelector(`${PLOT_AREA}[data-subplot="${panel}"]`).getBoundingClientRect();
    const { left, top } = element.getBoundingClientRect();
    const [, across, upwards] = panel.match(/^(x\d*)(y\d*)$/);
    const [x, y] = [across, upwards].map((name) => element.layout[name[0] + "axis" + name.slice(1)]);
    let [xs, ys] = [x, y].map(({ range }) => range.map(Number));
    if (y.scaleanchor === across) {
      const units = Math.max(Math.abs(xs[1] - xs[0]) / area.width, Math.abs(ys[1] - ys[0]) / area.height);
      [xs, ys] = [widenedTo(units, xs, area.width), widenedTo(units, ys, area.height)];
    }
    return {
      x: publicAxis(x, xs, xs, area.left - left, area.width),
      y: publicAxis(y, ys, ys.toReversed(), area.top - top, area.height),
    };
  }

  // The panel's name if an element of the page is the plot area of one: no legend, modebar or axis.
  panelOf(element) {
    return (this.element.contains(element) && element.closest(PLOT_AREA)?.dataset.subplot) || null;
  }

  // What a drag does: "pan", "zoom", "select", "lasso".
  get mode() {
    return this.element.layout?.dragmode ?? "zoom";
  }

  setMode(mode) {
    return this.Plotly.relayout(this.element, { dragmode: mode });
  }

  on(type, handler) {
    this.element.on(type, handler);
  }

  // To be called at the start of a drag that selects: it selects anew, with any key held.
  ignoreModifiers(event) {
    for (const key of MODIFIERS) Object.defineProperty(event, key, { value: false });
  }

  // Calls `handler` with Plotly's event for each area that is selected. It describes that area alone, so no other stays.
  onSelected(handler) {
    this.on("plotly_selected", (event) => {
      const { selections } = this.element.layout;
      if (selections?.length > 1) {
        warn(this.Plotly, "keys that are held change a selection for a moment");
        this.Plotly.relayout(this.element, { selections: selections.slice(-1) });
      }
      handler(event);
    });
  }

  // Copies of the ranges, as Plotly writes into them.
  setRanges(x, y) {
    return this.Plotly.relayout(this.element, { "xaxis.range": [...x], "yaxis.range": [...y] });
  }

  purge() {
    this.drawn = false;
    this.Plotly?.purge(this.element);
  }
}
