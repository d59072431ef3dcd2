// The points on a Plotly chart, and the part of the map that is visible. Plotly draws again only when the points
// change, as that takes 30 ms or more.
import { CONFIG } from "../../../charts/plotly.js";
import { remember, remembered, setWindow, windowInUrl } from "../url_state.js";
import { widened } from "../view.js";
import { groups, layout, marker, traces } from "./plotly_figure.js";

const RESTED = 400; // milliseconds after a zoom
const SELECTING = ["select2d", "lasso2d"];
const BUTTONS = ["pan2d", "zoom2d", ...SELECTING, "zoomIn2d", "zoomOut2d"];
const HOME = { name: "home", title: "Whole map (double-click)" };

export class PlotlyLayer {
  moving = false; // during a pan or zoom: a redraw now would reset the window
  mark = { size: 0 }; // of the points, as drawn
  home = null; // the ranges of the whole map, as drawn
  revision = undefined; // of the map that is drawn
  points = null; // the name of the points that are drawn
  #drawn = ""; // what the figure was made of
  #draws = 0;

  // On the chart of a View. `on` has the callbacks moved() at each frame of a pan or zoom, rested() after it,
  // selected([[x, y]…]) and deselected().
  constructor(view, on) {
    Object.assign(this, { view, chart: view.chart, on });
  }

  // Draws the points if they, or the look of the map, have changed; returns whether it did.
  //   prefix, revision, names, selects, region  of the map: of its URL parameters; of its content; of its axes; whether
  //                 it has a lasso, and the area selected, or null
  //   look          its { colouring, colours, scale }
  //   points        those of the newest weights; `visible` whether they are shown here
  //   hidden        labels of hidden classes
  //   home          the ranges of the whole map
  //   template      the theme; size, [width, height] of the chart
  async draw({ prefix, revision, names, selects, region, look, points, visible, hidden, home, template, size }) {
    const { view, chart } = this;
    this.prefix = prefix;
    const same = this.revision === revision;
    const ranges = same && !this.showsAll() ? view.ranges : home; // which fits whatever size the chart has now
    this.home = home;
    const mark = marker(points.labels.length, 2 ** Math.round(Math.log2(zoom(home, ranges))));
    const drawn = JSON.stringify([points.name, look.colouring, revision, visible, [...hidden], home, template, size]);
    const deselected = this.selecting && !region;
    this.selecting = region !== null;
    const unchanged = drawn === this.#drawn && !deselected;
    if (unchanged && mark.size === this.mark.size) return false;
    if (unchanged) {
      // A new figure would lose the selection of a lasso.
      await chart.restyle({ "marker.size": mark.size, "marker.opacity": mark.opacity });
    } else {
      const parts = visible ? groups(points, look, hidden, points) : [];
      const figure = traces(points, parts, mark, chart.webgl ? "scattergl" : "scatter");
      // Another config would be another chart: the chosen mode would be lost, and WebGL begin anew.
      this.config ??= this.configOf(selects);
      await chart.draw(figure, { ...layout(ranges, names, ++this.#draws), template }, this.config);
    }
    this.mark = mark;
    this.#drawn = drawn;
    this.points = points.name;
    if (!same) await this.showFirst(revision);
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
    return {
      ...CONFIG,
      displayModeBar: true, // otherwise the lasso would only appear when the pointer is there
      scrollZoom: true,
      plotGlPixelRatio: devicePixelRatio, // not 2 everywhere: four times the pixels at every frame of a zoom
      doubleClick: false, // it would return to the first map's ranges, which may be another run's
      modeBarButtons: [[...BUTTONS.filter((name) => selects || !SELECTING.includes(name)), home]],
    };
  }

  // Another map is shown whole; the first one through the window in the URL, if there is one.
  async showFirst(revision) {
    const first = this.revision === undefined;
    const asked = first ? (windowInUrl(this.prefix) ?? remembered(this.prefix, revision)) : null;
    this.revision = revision;
    if (first) this.listen();
    if (!asked) return setWindow(this.prefix, null); // also removes an invalid window
    remember(this.prefix, revision, asked); // at once: the page may be left before the map has rested
    await this.chart.setRanges(...asked);
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
        on.rested(); // the points' size, which takes Plotly up to 0.3 s: the digits come first
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

  // Widens the visible part about a place, or about its middle; a factor of null shows the whole map.
  zoomBy(factor, place = null) {
    const { view, chart } = this;
    if (factor === null) return chart.setRanges(...this.home);
    const { x, y } = place ?? view.middle;
    const [across, upwards] = view.ranges;
    return chart.setRanges(widened(across, x, factor), widened(upwards, y, factor));
  }

  dispose() {
    clearTimeout(this.writing);
    this.chart.purge();
  }
}

// How many times larger than the whole map.
function zoom([[low, high]], [[x0, x1]]) {
  return (high - low) / (x1 - x0);
}
