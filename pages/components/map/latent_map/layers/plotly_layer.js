// The Plotly chart of the map, and the part of the map that is visible. Its figure changes only when the points or their
// look change, as that takes Plotly 30 ms or more.
import { CONFIG } from "../../../charts/plotly.js";
import { namesWindow, remember, remembered, setWindow, windowInUrl } from "../url_state.js";
import { widened } from "../view.js";
import { colourNumbers, marker } from "./point_colours.js";
import { layout, traces } from "./plotly_figure.js";

const RESTED = 400; // milliseconds after a zoom
const SELECTING = ["select2d", "lasso2d"];
const BUTTONS = ["pan2d", "zoom2d", ...SELECTING, "zoomIn2d", "zoomOut2d"];
const HOME = { name: "home", title: "Whole map (double-click)" };
// In a square of 24 units: from one dot to another.
const PATH = {
  name: "path",
  title: "Draw a path (or drag with shift)",
  icon: { width: 24, height: 24, path: "M5 16a3 3 0 1 1-1 5.8A3 3 0 0 1 5 16zM19 2a3 3 0 1 1-1 5.8A3 3 0 0 1 19 2zM7.5 15.5l8-9 1.5 1.3-8 9z" },
};

export class PlotlyLayer {
  moving = false; // during a pan or zoom: a redraw now would reset the window
  home = null; // the ranges of the whole map, as drawn
  revision = undefined; // of the map that is drawn
  points = null; // the name of the points that are drawn
  pathTool = false; // whether the next drag draws a path
  #drawn = ""; // what the figure was made of
  #draws = 0;

  // On the chart of a View. `on` has the callbacks moved() at each frame of a pan or zoom, selected([[x, y]…]),
  // deselected() and pathTool(on).
  constructor(view, on) {
    Object.assign(this, { view, chart: view.chart, on });
  }

  // Draws the figure if it, or the look of the map, has changed; returns whether it did.
  //   prefix, beside, revision, names, selects, region  of the map: of its URL parameters, and of those of a map with the
  //                 same axes, or null; of its content; of its axes; whether it has a lasso, and the area selected, or null
  //   look          its { colouring, colours, scale }
  //   points        those of the newest weights; `visible` whether they are shown
  //   hidden        labels of hidden classes
  //   home          the ranges of the whole map; part, those that another map of the same axes shows, null for all
  //   template      the theme; size, [width, height] of the chart
  async draw({ prefix, beside, revision, names, selects, region, look, points, visible, hidden, home, part, template, size }) {
    const { view, chart } = this;
    Object.assign(this, { prefix, beside });
    const same = this.revision === revision;
    const ranges = same && !this.showsAll() ? view.ranges : home; // which fits whatever size the chart has now
    this.home = home;
    const drawn = JSON.stringify([points.name, look.colouring, revision, visible, [...hidden], home, template, size]);
    const deselected = this.selecting && !region;
    this.selecting = region !== null;
    if (drawn === this.#drawn && !deselected) return false;
    const numbers = visible && colourNumbers(points, look, hidden, points);
    const figure = visible ? traces(points, numbers, look, marker(points.labels.length, 1)) : [];
    // Another config would be another chart: the chosen mode would be lost.
    this.config ??= this.configOf(selects);
    await chart.draw(figure, { ...layout(ranges, names, ++this.#draws), template }, this.config);
    this.#drawn = drawn;
    this.points = points.name;
    if (!same) await this.showFirst(revision, part);
    return true;
  }

  // After an error: the next call draws.
  forget() {
    this.#drawn = "";
  }

  // Whether the figure is that of these points on this map.
  shows({ points, revision }) {
    return this.points === points && this.revision === revision;
  }

  configOf(selects) {
    const home = { ...HOME, icon: this.chart.Plotly.Icons.home, click: () => this.zoomBy(null) };
    const path = { ...PATH, click: () => this.setPathTool(!this.pathTool) };
    return {
      ...CONFIG,
      displayModeBar: true, // otherwise the lasso would only appear when the pointer is there
      scrollZoom: true,
      doubleClick: false, // it would return to the first map's ranges, which may be another run's
      modeBarButtons: [[...BUTTONS.filter((name) => selects || !SELECTING.includes(name)), ...(selects ? [path] : []), home]],
    };
  }

  // Has the next drag draw a path, or no longer.
  async setPathTool(on) {
    if (this.pathTool === on) return;
    this.pathTool = on;
    this.on.pathTool(on);
    if (on) await this.chart.setMode("pan"); // a lasso or a box would be drawn instead
  }

  // Another map is shown whole; the first one, and one that a link leads to, through the window in the URL, if any.
  async showFirst(revision, part) {
    const first = this.revision === undefined;
    const last = first && !namesWindow(this.prefix) ? remembered(this.prefix, revision) : null;
    const asked = (first ? this.asked : this.linked) ?? part ?? last;
    this.revision = revision;
    this.linked = null;
    if (first) this.listen();
    if (!asked) return setWindow(this.prefix, null); // also removes an invalid window
    remember(this.prefix, revision, asked); // at once: the page may be left before the map has rested
    await this.chart.setRanges(...asked);
  }

  // The window in the URL; maps with the same axes need it once.
  get asked() {
    return windowInUrl(this.prefix) ?? (this.beside === null ? null : windowInUrl(this.beside));
  }

  // After a link or the Back button: the map shows the window in the URL, or all. It may be about to be replaced.
  goToUrl() {
    if (this.revision === undefined) return;
    this.linked = this.asked;
    remember(this.prefix, this.revision, this.linked);
    if (this.linked) this.chart.setRanges(...this.linked);
    else if (!this.showsAll()) this.zoomBy(null);
  }

  listen() {
    const { chart, on, view } = this;
    chart.on("plotly_relayouting", () => {
      this.moving = true;
      on.moved();
    });
    chart.on("plotly_relayout", () => {
      this.moving = false;
      // Browsers allow only so many changes of the URL.
      clearTimeout(this.writing);
      this.writing = setTimeout(() => {
        const ranges = this.showsAll() ? null : view.ranges;
        remember(this.prefix, this.revision, ranges);
        if (chart.element.isConnected) setWindow(this.prefix, ranges);
      }, RESTED);
      on.moved();
    });
    chart.onSelected((event) => {
      const box = event?.range;
      const corners = box && { x: [0, 1, 1, 0].map((i) => box.x[i]), y: [0, 0, 1, 1].map((i) => box.y[i]) };
      const polygon = corners ?? event?.lassoPoints;
      if (polygon) on.selected([...polygon.x].map((x, i) => [x, polygon.y[i]]));
    });
    chart.on("plotly_deselect", () => on.deselected());
  }

  // Writes the visible part into the URL, where another component's change may have dropped it.
  writeWindow() {
    if (this.revision === undefined || this.moving) return;
    setWindow(this.prefix, remembered(this.prefix, this.revision));
  }

  // Whether the whole map is visible. As both axes have the same unit, one of them may show more on both sides.
  // Nearly: longer numbers at an axis leave a little less room.
  showsAll() {
    const { home } = this;
    const near = 0.01 * (home[0][1] - home[0][0]);
    const more = this.view.ranges.map(([low, high], i) => [home[i][0] - low, high - home[i][1]]);
    const even = more.every(([before, after]) => Math.abs(before - after) < near && before > -near);
    return even && Math.min(more[0][0], more[1][0]) < near;
  }

  // How many times larger than the whole map the visible part is drawn.
  get zoom() {
    const [[low, high], [x0, x1]] = [this.home[0], this.view.ranges[0]];
    return (high - low) / (x1 - x0);
  }

  // Widens the visible part about a place, or about its middle; a factor of null shows the whole map.
  zoomBy(factor, place = null) {
    const { view, chart } = this;
    if (factor === null) return this.show(null);
    const { x, y } = place ?? view.middle;
    const [across, upwards] = view.ranges;
    return chart.setRanges(widened(across, x, factor), widened(upwards, y, factor));
  }

  // Shows these ranges, or the whole map for null.
  show(ranges) {
    return this.chart.setRanges(...(ranges ?? this.home));
  }

  dispose() {
    clearTimeout(this.writing);
    this.chart.purge();
  }
}
