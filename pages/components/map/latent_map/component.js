import { themeOf } from "../../charts/live_figure/plotly.js";
import { updateUrl } from "../../shell/links/url.js";
import { makeEvents } from "./input/events.js";
import { listenTo } from "./input/gestures.js";
import { makeKeys } from "./input/keyboard.js";
import { makeLegend } from "./legend.js";
import { onHover } from "../../shell/hover_event.js";
import { makeManifold } from "./manifold/manifold.js";
import { marksOf } from "./layers/marked.js";
import { drawMarks } from "./layers/overlay.js";
import { Newest } from "./moments/current.js";
import { Past } from "./moments/past.js";
import { Plotted, quick } from "./layers/plotly_layer.js";
import { makeSight } from "./input/hover.js";
import { EventQueue } from "../../shell/component_events.js";
import { View } from "./view.js";
import { askedHidden, setHidden } from "./url_state.js";

const NO_WEBGL = "This browser has no WebGL: the map is drawn more slowly.";
const NO_MANIFOLD = "This browser cannot decode in the background: the map has no manifold.";

class LatentMap {
  hidden = new Set(); // labels of classes
  look = { source: null, z: null, index: null, chart: null };
  line = null; // while it is drawn: two places
  trouble = ""; // what the map has to do without
  telling = new EventQueue();

  constructor(parentElement) {
    const part = (name) => parentElement.querySelector(`.latent-map${name}`);
    [this.root, this.plot, this.chart, this.note] = ["", "-plot", "-chart", "-note"].map(part);
    [this.marks, this.behind] = ["-marks", "-manifold"].map(part);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.view = new View(this.chart);
    this.plotted = new Plotted(this, this.chart, {
      moved: () => this.moved(),
      rested: () => this.draw(),
      selected: ({ x, y }) => this.events.region([...x].map((value, i) => [value, y[i]])),
      deselected: () => this.events.region([]),
    });
    this.newest = new Newest((what) => {
      this.root.dataset[what] = this.data[what];
      this.draw();
    });
    this.legend = makeLegend(this, part("-legend"), () => this.classesTurned());
    this.manifold = makeManifold(this.behind, () => {
      this.trouble = NO_MANIFOLD;
      this.draw();
    });
    this.past = new Past(this, part("-past"), {
      moved: () => this.drawPoints(),
      turned: () => this.turned(),
    });
    this.sight = makeSight(this, part("-beside"), () => this.lookAgain());
    this.keys = makeKeys(this);
    this.events = makeEvents(this);
    const gestures = {
      look: (place) => this.sight.lookAt("map", place),
      click: (place) => this.events.click(place),
      twice: () => {
        this.events.undo();
        this.plotted.zoomBy(null);
      },
      lines: () => this.data.selects,
      line: (from, to, ended) => this.drawLine(from, to, ended),
      keys: (event) => this.keys.press(event),
      pinch: (ranges) => this.plotted.turnTo(...ranges),
      released: () => setTimeout(() => this.draw()), // what had to wait for the end of a drag
    };
    this.gestures = listenTo(this.plot, this.view, gestures, signal);
    for (const type of ["blur", "pointerdown"])
      this.plot.addEventListener(type, () => this.keys.leave(), { signal });
    onHover((look) => {
      this.look = look;
      this.drawMarks();
    }, signal);
    // Not Plotly's `responsive`: it sees the window change, but not the sidebar.
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.plot);
  }

  show(data, report) {
    const other = this.data?.revision !== data.revision;
    if (other) this.keys.leave();
    if (data.classes.join() !== this.data?.classes.join()) {
      this.hidden.clear();
      if (!this.data) askedHidden(data.prefix, data.classes).forEach((label) => this.hidden.add(label));
      setHidden(data.prefix, this.hidden, data.classes);
    }
    this.data = data;
    this.view.plane = data.plane;
    this.telling.acknowledge(report, data.acknowledged, data.session);
    this.root.dataset.chart = data.key;
    this.plot.setAttribute("aria-label", data.label);
    updateUrl(data.query);
    this.plotted.sayWindow(); // which another's change of the address may have dropped
    this.newest.ask(data);
    this.past.follow(data.moments);
    this.draw();
  }

  // What is seen: a moment that was gone back to, or the newest weights.
  get instant() {
    return this.past.active ? this.past : this.newest;
  }

  get decoder() {
    return this.instant.decoder;
  }

  get points() {
    return this.instant.points;
  }

  get grid() {
    return this.instant.grid;
  }

  // The points over whose values colours are spread.
  get spread() {
    return this.instant.spread;
  }

  get home() {
    return this.past.home ?? this.newest.home;
  }

  // Whether what is seen is what `data` says: the last map is seen until all of the next is here and drawn.
  get stands() {
    return Boolean(this.newest.points && this.decoder) && this.plotted.shows(this.data);
  }

  // Waits while it is drawn, while the map moves, and while it is hidden.
  async draw() {
    this.waiting = true;
    if (this.drawing) return;
    this.drawing = true;
    try {
      while (this.waiting && this.newest.points && this.free()) {
        this.waiting = false;
        const theme = themeOf(this.root);
        [this.ink, this.paper] = [theme("text-color"), theme("background-color")];
        this.legend.draw();
        await this.plotted.draw();
        if (this.gone) return;
        this.past.settle();
        this.say([quick() ? "" : NO_WEBGL, this.trouble].filter(Boolean).join(" "));
        this.moved();
      }
    } catch (error) {
      this.plotted.drawn = null;
      this.say(`This map cannot be drawn. ${error.message}. Reload the page to try again.`);
    }
    this.drawing = false;
  }

  // Once: a screen reader reads it each time it is written.
  say(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  free() {
    return !this.gone && !this.chart._dragging && !this.plotted.moving && this.plot.offsetWidth > 0;
  }

  // Other classes are hidden.
  classesTurned() {
    setHidden(this.data.prefix, this.hidden, this.data.classes);
    this.draw();
    if (this.data.region) this.events.region(this.data.region); // which holds others now
  }

  // What lies under a pointer or cursor that rests is another.
  lookAgain() {
    this.gestures.again();
    this.keys.again();
  }

  moved() {
    this.drawPoints();
    this.drawManifold();
    this.lookAgain();
  }

  // Another moment is seen: the points have moved there already.
  turned() {
    this.drawManifold();
    this.lookAgain();
    this.draw();
  }

  // All that moves at every frame of a play.
  drawPoints() {
    if (!this.view.stands) return;
    this.past.draw();
    this.drawMarks();
  }

  drawMarks() {
    if (this.view.stands && this.points) drawMarks(this.marks, this.view, marksOf(this));
  }

  drawManifold() {
    const { behind, data, decoder, ink, view } = this;
    if (!view.stands) return;
    // While the axes move at every moment, none of it would ever be whole.
    const wild = this.past.played && !this.past.fixedAxes;
    behind.hidden = !data.layers.includes("manifold") || !decoder || wild;
    if (behind.hidden) return this.manifold.hide();
    const { width, height } = view.area;
    for (const [name, value] of Object.entries(view.area)) behind.style[name] = `${value}px`;
    const [[x0, x1], [y0, y1]] = view.ranges;
    const patient = this.past.played;
    this.manifold.show({ decoder, patient, plane: data.plane, window: { x0, x1, y0, y1 }, width, height, ink });
  }

  drawLine(from, to, ended) {
    this.line = from && !ended ? [[from.x, from.y], [to.x, to.y]] : null;
    if (ended) this.events.line(from, to);
    this.drawMarks();
  }

  // The chosen pin's place, or the middle of what is seen; where places have no height, half way up.
  chosenPlace() {
    const [x, y] = this.past.pins[this.data.chosen] ?? [];
    const middle = this.view.middle;
    return { x: x ?? middle.x, y: y ?? middle.y };
  }

  dispose() {
    this.gone = true;
    this.listeners.abort();
    this.resizes.disconnect();
    this.newest.dispose();
    this.past.dispose();
    this.manifold.dispose();
    this.sight.hide();
    this.plotted.dispose();
  }
}

// Runs again whenever the data or the theme changes.
export function show({ data, parentElement, setTriggerValue }) {
  const map = (parentElement.latentMap ??= new LatentMap(parentElement));
  map.show(data, setTriggerValue);
  // Streamlit also calls this for a run that a newer one has overtaken, with the map still there.
  return () => {
    if (parentElement.isConnected) return;
    map.dispose();
    delete parentElement.latentMap;
  };
}
