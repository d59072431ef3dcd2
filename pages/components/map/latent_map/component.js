import { themeOf, themeTemplate } from "../../charts/plotly.js";
import { PlotlyChart } from "../../charts/plotly_chart.js";
import { component } from "../../shell/lifecycle.js";
import { EventQueue } from "../../shell/component_events.js";
import { onHover } from "../../shell/hover_event.js";
import { updateUrl } from "../../shell/links/url.js";
import { listenTo } from "./input/gestures.js";
import { makeHover, pointFigures } from "./input/hover.js";
import { makeKeys } from "./input/keyboard.js";
import { drawOverlay } from "./layers/overlay.js";
import { PlotlyLayer } from "./layers/plotly_layer.js";
import { PointsLayer } from "./layers/points_layer.js";
import { makeLegend } from "./legend.js";
import { makeManifold } from "./manifold/manifold.js";
import { NewestMap } from "./moments/newest_map.js";
import { PastMap } from "./moments/past_map.js";
import { Partner } from "./partner.js";
import { hiddenInUrl, labelsInUrl, setHidden } from "./url_state.js";
import { View } from "./view.js";

const NO_MANIFOLD = "This browser cannot decode in the background: the map has no decoded grid.";
const CORNERS = 60; // that are reported of a lasso, at most: they stand in the URL
const FINER = 3; // more digits of a corner: a tenth of a pixel may be on the other side of a point
const TOUCHING = 1; // pixels between the pointer and a point's edge where the point still counts as hovered

// Those of the URL parameters of a map, and of the one beside it, which hides the same classes.
const prefixesOf = ({ prefix, partner }) => [prefix, ...(partner ? [partner.prefix] : [])];

// The map: owns what is shown, gives each part the values it needs, and acts on what the parts report.
class LatentMap {
  hidden = new Set(); // labels of classes
  hovered = { source: null, z: null, index: null, chart: null }; // the page's last hover event
  line = null; // while it is drawn: two places
  trouble = ""; // what the map has to do without
  queue = new EventQueue();
  selected = null; // corners of an area, before the server has heard of it
  clicked = null; // the number of the last click, or null if it was not reported

  constructor(parentElement) {
    const part = (name) => parentElement.querySelector(`.latent-map${name}`);
    [this.root, this.plot, this.note] = ["", "-plot", "-note"].map(part);
    [this.overlay, this.behind] = ["-marks", "-manifold"].map(part);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.chart = new PlotlyChart(part("-chart"), signal);
    this.view = new View(this.chart);
    this.layer = new PlotlyLayer(this.view, {
      moved: () => {
        this.moved();
        this.partner.moved(this.view.ranges);
      },
      selected: (corners) => this.select(corners),
      deselected: () => this.select([]),
      pathTool: (on) => this.root.toggleAttribute("data-draws-path", on),
    });
    this.newest = new NewestMap((name) => {
      this.root.dataset[name] = this.data[name];
      this.draw();
    });
    this.dots = new PointsLayer(part("-points"));
    this.past = new PastMap({
      moved: () => this.drawPoints(),
      momentChanged: () => this.momentChanged(),
    });
    this.partner = new Partner({
      shown: () => (this.layer.revision === undefined ? null : this.view.ranges),
      part: () => (this.layer.revision === undefined || this.layer.showsAll() ? null : this.view.ranges),
      show: (ranges) => this.chart.setRanges(...ranges),
      redraw: () => this.draw(),
      hide: (hidden) => this.showWithout(hidden),
    });
    this.legend = makeLegend(part("-legend"), (hidden) => this.hide(hidden));
    this.manifold = makeManifold(this.behind, () => {
      this.trouble = NO_MANIFOLD;
      this.draw();
    });
    this.tooltip = makeHover(part("-tooltip"), () => this.hoverAgain());
    this.keys = makeKeys({
      hover: (place) => this.hover("keys", place && this.view.onScreen(place)),
      click: (place) => this.click(place),
      zoom: (factor, place) => this.layer.zoomBy(factor, place),
      pan: (x, y) => this.chart.setRanges(x, y),
      start: () => this.cursorStart,
    });
    const gestures = {
      hover: (place) => this.hover("map", place),
      click: (place) => this.click(place),
      doubleClick: () => {
        if (this.clicked !== null) this.queue.emit({ kind: "undo", of: this.clicked }); // its first half
        this.layer.zoomBy(null);
      },
      drawsLines: (shift) => this.data.selects && (shift || this.layer.pathTool),
      line: (from, to, ended) => this.drawLine(from, to, ended),
      keys: (event) => this.view.ready && this.keys.press(event, this.view.ranges),
      pinch: (ranges) => this.chart.setRanges(...ranges),
      released: () => setTimeout(() => this.draw()), // what had to wait for the end of a drag
    };
    this.gestures = listenTo(this.plot, this.view, gestures, signal);
    for (const type of ["blur", "pointerdown"])
      this.plot.addEventListener(type, () => this.keys.leave(), { signal });
    const skip = part("-skip");
    skip.onclick = () => this.plot.focus();
    onHover((hovered) => {
      this.hovered = hovered;
      this.drawOverlay();
    }, signal);
    window.addEventListener("popstate", () => this.goToUrl(), { signal });
    // Not Plotly's `responsive`: it reacts to the window, but not to the sidebar.
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.plot);
  }

  // `data` is what Python sends.
  show({ data, setTriggerValue }) {
    const other = this.data?.revision !== data.revision;
    if (other) this.keys.leave();
    if (data.classes.join() !== this.data?.classes.join()) {
      this.hidden = new Set(this.data ? [] : hiddenInUrl(prefixesOf(data), data.classes));
      setHidden(data.prefix, this.hidden, data.classes);
    }
    this.data = data;
    const begins = this.partner.follow(data.key, data.partner);
    this.root.toggleAttribute("data-no-legend", !data.legend);
    const { dataset } = this.root.querySelector(".latent-map-legend");
    dataset.onScreen = data.legend && data.classes.length > 1 ? "legend" : "";
    this.selected = data.region;
    this.view.plane = data.plane;
    this.queue.acknowledge(setTriggerValue, data.acknowledged, data.session);
    this.root.dataset.chart = data.key;
    this.plot.setAttribute("aria-label", data.label);
    updateUrl(data.query);
    this.layer.writeWindow();
    this.newest.request(data);
    // Its room, until the points are here.
    if (!this.root.dataset.ready) this.legend.draw(this.listed(data), null, null, this.hidden);
    const { colouring, colours, scale, layers, plane, points, moments, pins, pinned, chosen, ellipse } = data;
    this.past.follow({ colouring, colours, scale, layers, plane, points, moments, pins, pinned, chosen, ellipse });
    this.draw();
    if (begins && data.prefix) this.layer.show(this.partner.part);
  }

  // After a link or the Back button, which may lead to another map.
  goToUrl() {
    if (!this.data) return;
    const { prefix, classes } = this.data;
    this.hidden = new Set(labelsInUrl(prefixesOf(this.data), classes));
    setHidden(prefix, this.hidden, classes);
    this.layer.goToUrl();
    this.draw();
  }

  // What is shown: an earlier moment, or the newest weights.
  get shown() {
    return this.past.active ? this.past : this.newest;
  }

  get points() {
    return this.shown.points;
  }

  // Whether what is drawn is what `data` describes: the last map stays until all of the next is here and drawn.
  get current() {
    return Boolean(this.newest.points && this.shown.decoder) && this.layer.shows(this.data);
  }

  // Whether the figure may change now: not during a drag or a zoom, nor while the map is hidden.
  get free() {
    return !this.gone && !this.chart.pressed && !this.layer.moving && this.plot.offsetWidth > 0;
  }

  // Draws everything. Waits while it is drawn already, and until it is free.
  async draw() {
    this.waiting = true;
    if (this.drawing) return;
    this.drawing = true;
    try {
      while (this.waiting && this.newest.points && this.free) {
        this.waiting = false;
        await this.drawFigure();
        if (this.gone) return;
        this.setNote(this.trouble);
        this.moved();
      }
    } catch (error) {
      this.layer.forget();
      this.setNote(`This map cannot be drawn. ${error.message}. Reload the page to try again.`);
    }
    this.drawing = false;
  }

  async drawFigure() {
    const { data, root, plot, hidden, newest } = this;
    const theme = themeOf(root);
    [this.ink, this.paper] = [theme("text-color"), theme("background-color")];
    const { classes, colours, colouring, colouringName, scale, prefix, revision, selects, region } = data;
    const look = { classes, colours, colouring, colouringName, scale };
    this.legend.draw(this.listed(look), this.points.labels, this.shown.spread.values[colouring], hidden);
    await this.chart.load(data.plotly);
    if (this.gone) return; // the chart would never be purged
    const drawn = await this.layer.draw({
      ...{ prefix, revision, selects, region, names: data.plane.names, look },
      beside: data.partner?.axes ? data.partner.prefix : null,
      points: newest.points,
      visible: data.layers.includes("points"),
      hidden,
      home: this.partner.wholeOf(this.past.home ?? newest.home),
      part: this.partner.part,
      template: themeTemplate(root),
      size: [plot.offsetWidth, plot.offsetHeight],
    });
    if (!drawn) return;
    root.dataset.revision = Number(root.dataset.revision ?? 0) + 1;
    root.dataset.ready = "true";
  }

  // What the legend shows of a look: another map may list the classes.
  listed(look) {
    return this.data.legend ? look : { ...look, classes: [] };
  }

  // Only a new text: a screen reader reads it each time it is written.
  setNote(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  // A person has hidden or shown classes.
  hide(hidden) {
    this.partner.hid(hidden);
    this.showWithout(hidden);
  }

  showWithout(hidden) {
    this.hidden = hidden;
    setHidden(this.data.prefix, hidden, this.data.classes);
    this.draw();
    if (this.data.region) this.select(this.data.region); // which holds other points now
  }

  // What events were done on, as the server may have gone on to another run, plane or set of points.
  get origin() {
    const { points, moments, revision, decoder } = this.data;
    return { points: this.past.active ? moments.points : points, revision, decoder };
  }

  click(place) {
    this.clicked = null;
    if (!this.current) return;
    const z = this.view.toLatent(this.view.rounded(place));
    this.clicked = this.queue.emit({ kind: "click", z, point: this.pointAt(place), ...this.origin });
  }

  // Corners [x, y] of a lasso or a box; none if it was removed.
  select(corners) {
    if (!this.current) return;
    const classes = [...this.data.classes.keys()].filter((label) => !this.hidden.has(label)); // the visible ones
    const each = Math.ceil(corners.length / CORNERS);
    const kept = corners.filter((_, i) => i % each === 0).map(([x, y]) => {
      const rounded = this.view.rounded({ x, y }, FINER);
      return [rounded.x, rounded.y];
    });
    this.selected = kept.length ? kept : null;
    this.drawPoints();
    this.queue.emit({ kind: "region", corners: kept, classes, ...this.origin });
  }

  drawLine(from, to, ended) {
    if (ended || !from) this.layer.setPathTool(false);
    this.line = from && !ended ? [[from.x, from.y], [to.x, to.y]] : null;
    if (ended && this.current) {
      const [start, end] = [from, to].map((place) => this.view.toLatent(this.view.rounded(place)));
      this.queue.emit({ kind: "line", from: start, to: end, ...this.origin });
    }
    this.drawOverlay();
  }

  // The index of the data point at a place, or null.
  pointAt({ x, y }) {
    const { data, hidden, points, shown, dots, view } = this;
    if (!data.layers.includes("points")) return null;
    const reach = view.distance(dots.mark.size / 2 + TOUCHING);
    return shown.grid?.nearestPoint(x, y, reach, (i) => !hidden.has(points.labels[i])) ?? null;
  }

  // The pointer ("map") or the cursor ("keys") is at a place, or nowhere.
  hover(source, place) {
    const { data, past, points, view } = this;
    if (!place || !this.current) return this.tooltip.leave(source, data?.key, this.hovered);
    const index = this.pointAt(place);
    this.tooltip.show(source, place, {
      z: view.toLatent(place),
      decoder: this.shown.decoder,
      pixel: view.distance(1),
      point: index === null ? null : {
        index,
        name: data.classes.length > 1 ? `${data.classes[points.labels[index]]} · #${index}` : `#${index}`,
        figures: pointFigures(points, index, data, past.active),
      },
      url: past.active ? data.moments.pictures : data.pictures,
      chart: data.key,
      set: data.pictures,
      names: data.plane.names,
      beside: data.tooltip,
      edge: this.chart.element.getBoundingClientRect().right,
    });
  }

  // Something else lies under a pointer or cursor that rests.
  hoverAgain() {
    this.gestures.again();
    this.keys.again();
  }

  // The axes have moved, or everything has.
  moved() {
    this.drawPoints();
    this.drawManifold();
    this.hoverAgain();
  }

  // Another moment is shown: the points have moved there already.
  momentChanged() {
    this.drawManifold();
    this.hoverAgain();
    this.draw();
  }

  // All that moves at every frame of a play.
  drawPoints() {
    if (!this.view.ready || !this.points) return;
    const { data, hidden, layer, past, points, shown, view } = this;
    this.root.toggleAttribute("data-past", past.active);
    this.dots.draw(view, {
      ...{ points, hidden, look: data, spread: shown.spread, zoom: layer.zoom },
      visible: data.layers.includes("points"),
      region: past.active ? null : this.selected, // an area of the newest map
    });
    this.drawOverlay();
  }

  drawOverlay() {
    const { data, view, hovered, points, past, line, ink, paper } = this;
    if (!view.ready || !points) return;
    const { pins, ellipse } = past;
    const { key, pictures, layers, prior, chosen, region } = data;
    const lines = [data.line, line, region && [...region, region[0]]].filter(Boolean);
    const own = { key, pictures, layers, prior, chosen, lines, pins, ellipse };
    drawOverlay(this.overlay, view, { ...own, hovered, points, ink, paper });
  }

  drawManifold() {
    const { behind, data, ink, view, past } = this;
    const { decoder } = this.shown;
    if (!view.ready) return;
    // While the axes move in a play, no window stands long enough to be decoded.
    const axesMove = past.played && !past.fixedAxes;
    behind.hidden = !data.layers.includes("manifold") || !decoder || axesMove;
    if (behind.hidden) return this.manifold.hide();
    const { width, height } = view.area;
    for (const [name, value] of Object.entries(view.area)) behind.style[name] = `${value}px`;
    const [[x0, x1], [y0, y1]] = view.ranges;
    const [window, completeFirst] = [{ x0, x1, y0, y1 }, past.played];
    this.manifold.show({ decoder, completeFirst, plane: data.plane, window, width, height, ink });
  }

  // Where the keyboard's cursor appears: at the chosen pin, or in the middle; half way up where z has one number.
  get cursorStart() {
    const [x, y] = this.past.pins[this.data.chosen] ?? [];
    const { middle } = this.view;
    return { x: x ?? middle.x, y: y ?? middle.y };
  }

  dispose() {
    this.gone = true;
    this.listeners.abort();
    this.resizes.disconnect();
    this.newest.dispose();
    this.partner.end();
    this.past.dispose();
    this.manifold.dispose();
    this.tooltip.hide();
    this.layer.dispose();
  }
}

export const show = component("latentMap", (parentElement) => new LatentMap(parentElement));
