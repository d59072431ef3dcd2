// The points on Plotly's chart. It draws again only when these change, for that takes 30 ms or more.
import { hasWebGL, loadPlotly, themeTemplate } from "../../../charts/live_figure/plotly.js";
import { groups, layout, marker, traces } from "./plotly_figure.js";
import { widened } from "../view.js";
import { askedWindow, remember, remembered, setWindow } from "../url_state.js";

const RESTED = 400; // milliseconds after a zoom
const SELECTING = ["select2d", "lasso2d"];
const BUTTONS = ["pan2d", "zoom2d", ...SELECTING, "zoomIn2d", "zoomOut2d"];

// Whether it is drawn as quickly as it could be.
export const quick = hasWebGL;

export class Plotted {
  drawn = ""; // what stands there
  moving = false; // in the midst of a pan or zoom, whose window Plotly would forget if it drew
  draws = 0;
  home = null; // the whole map of the points that stand there
  mark = { size: 0 }; // of the points

  // `on` is told: `moved()` at each frame of a pan or zoom, `rested()` after it, `selected(polygon)`, { x, y },
  // and `deselected()`.
  constructor(map, chart, on) {
    Object.assign(this, { map, chart, on });
  }

  async draw() {
    const { data, newest, hidden, root, plot, view, home, past } = this.map;
    const { points } = newest;
    const Plotly = await loadPlotly(data.plotly);
    if (this.map.gone) return; // nobody would purge what is drawn now
    this.Plotly = Plotly;
    const template = themeTemplate(root);
    const same = this.revision === data.revision;
    const ranges = same && !this.seesAll() ? view.ranges : home; // which fits whatever size it has now
    this.home = home;
    const mark = marker(points.labels.length, 2 ** Math.round(Math.log2(zoom(home, ranges))));
    const visible = data.layers.includes("points") && !past.active;
    const size = [plot.offsetWidth, plot.offsetHeight];
    const { colouring, revision } = data;
    const shows = [points.name, colouring, revision, visible, [...hidden], home];
    const news = JSON.stringify([...shows, template, size]);
    const unselected = this.selecting && !data.region;
    this.selecting = data.region !== null;
    if (news === this.drawn && !unselected && mark.size === this.mark.size) return;
    if (news === this.drawn && !unselected) {
      // What a lasso holds stays set apart.
      await this.Plotly.restyle(this.chart, { "marker.size": mark.size, "marker.opacity": mark.opacity });
    } else {
      const parts = visible ? groups(points, data, hidden, points) : [];
      const shown = traces(points, parts, mark, quick() ? "scattergl" : "scatter");
      const figure = layout(ranges, data.plane.names, ++this.draws);
      // Another config would be another chart: the mode that was chosen would be lost, and WebGL begin anew.
      this.config ??= this.buttons();
      await this.Plotly.react(this.chart, shown, { ...figure, template }, this.config);
    }
    this.mark = mark;
    this.drawn = news;
    this.points = points.name;
    if (!same) await this.turnHome(data.revision);
    root.dataset.revision = Number(root.dataset.revision ?? 0) + 1;
    root.dataset.ready = "true";
  }

  // Whether the points that stand there are those that are asked for, on that map.
  shows({ points, revision }) {
    return this.points === points && this.revision === revision;
  }

  buttons() {
    return {
      displaylogo: false,
      displayModeBar: true, // who does not see the lasso does not look for it
      showTips: false, // boxes in colours of their own, over what stands above
      showSendToCloud: false, // on by default: it offers to upload the chart
      scrollZoom: true,
      plotGlPixelRatio: devicePixelRatio, // not 2 everywhere: four times the pixels at every frame of a zoom
      doubleClick: false, // it would return to the first map's ranges, which may be another run's
      modeBarButtons: [
        [
          ...BUTTONS.filter((name) => this.map.data.selects || !SELECTING.includes(name)),
          {
            name: "home",
            title: "Whole map (double-click)",
            icon: this.Plotly.Icons.home,
            click: () => this.zoomBy(null),
          },
        ],
      ],
    };
  }

  // Another map, or the first: seen as a whole, or, if one came by an address, through its window.
  async turnHome(revision) {
    const first = this.revision === undefined;
    const { prefix } = this.map.data;
    const asked = first ? (askedWindow(prefix) ?? remembered(prefix, revision)) : null;
    this.revision = revision;
    if (first) this.listen();
    if (!asked) return setWindow(prefix, null); // also nonsense
    remember(prefix, revision, asked); // at once: one may leave before the map has rested
    await this.turnTo(...asked);
  }

  listen() {
    const { chart, on } = this;
    const { view } = this.map;
    chart.on("plotly_relayouting", () => {
      this.moving = true;
      on.moved();
    });
    chart.on("plotly_relayout", () => {
      this.moving = false;
      // Browsers let an address be written only so often.
      clearTimeout(this.writing);
      this.writing = setTimeout(() => {
        const ranges = this.seesAll() ? null : view.ranges;
        const { prefix } = this.map.data;
        remember(prefix, this.revision, ranges);
        if (chart.isConnected) setWindow(prefix, ranges);
        on.rested(); // the points' size, which takes Plotly up to 0.3 s: the digits come first
      }, RESTED);
      on.moved();
    });
    chart.on("plotly_selected", (event) => {
      const box = event?.range;
      const corners = box && { x: [0, 1, 1, 0].map((i) => box.x[i]), y: [0, 0, 1, 1].map((i) => box.y[i]) };
      const polygon = corners ?? event?.lassoPoints;
      if (polygon) on.selected(polygon);
    });
    chart.on("plotly_deselect", () => on.deselected());
  }

  // Has the address say what is seen, as soon as the map has rested.
  sayWindow() {
    if (this.revision === undefined || this.moving) return;
    setWindow(this.map.data.prefix, remembered(this.map.data.prefix, this.revision));
  }

  // Whether this is the whole map. As both axes have the same steps, one of them may show more on both sides.
  // Nearly: longer numbers at an axis leave a little less room.
  seesAll() {
    const { home } = this;
    const { view } = this.map;
    const near = 0.01 * (home[0][1] - home[0][0]);
    const more = view.ranges.map(([low, high], i) => [home[i][0] - low, high - home[i][1]]);
    const even = more.every(([before, after]) => Math.abs(before - after) < near && before > -near);
    return even && Math.min(more[0][0], more[1][0]) < near;
  }

  // Around a place, or else the middle; a factor of null shows the whole map.
  zoomBy(factor, place = null) {
    const { view } = this.map;
    if (factor === null) return this.turnTo(...this.home);
    const { x, y } = place ?? view.middle;
    const [across, upwards] = view.ranges;
    return this.turnTo(widened(across, x, factor), widened(upwards, y, factor));
  }

  turnTo(x, y) {
    // Copies, as Plotly writes into them.
    return this.Plotly.relayout(this.chart, { "xaxis.range": [...x], "yaxis.range": [...y] });
  }

  dispose() {
    clearTimeout(this.writing);
    this.Plotly?.purge(this.chart);
  }
}

// How many times larger than the whole map.
function zoom([[low, high]], [[x0, x1]]) {
  return (high - low) / (x1 - x0);
}
