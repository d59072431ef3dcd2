import { component } from "../../shell/lifecycle.js";
import { CONFIG, themeTemplate } from "../plotly.js";
import { PlotlyChart } from "../plotly_chart.js";
import { onClick } from "./clicks.js";
import { Cursor } from "./moment_cursor.js";

const REMOVED_BUTTONS = ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"];

class LiveFigure {
  listeners = new AbortController();

  constructor(parentElement) {
    this.box = parentElement.querySelector(".live-figure");
    this.element = this.box.querySelector(".live-figure-chart");
    this.note = this.box.querySelector(".live-figure-note");
    const { signal } = this.listeners;
    this.chart = new PlotlyChart(this.element, signal);
    onClick(this.chart, (place) => this.click(place), signal);
    // Once Plotly has ended the drag.
    const released = () => this.waiting && setTimeout(() => this.draw());
    window.addEventListener("pointerup", released, { signal, capture: true });
    // Not Plotly's `responsive`: it reacts to the window, but not to the sidebar.
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.box);
  }

  show({ data, setTriggerValue }) {
    Object.assign(this, { data, report: setTriggerValue });
    this.box.dataset.chart = data.key;
    this.box.setAttribute("aria-label", data.label);
    this.fit();
    this.followTimeline();
    this.draw();
  }

  click({ x, y, twice }) {
    this.cursor?.click({ x, twice });
    const single = this.chart.panels.join() === "xy"; // of several panels, x and y would not identify one
    if (single) this.report("clicked", { x, y });
  }

  // Sets the height, before Plotly has loaded, so that the page does not jump. Returns what a narrow chart's layout
  // has otherwise.
  fit() {
    const { box, data } = this;
    const narrow = data.narrow && box.offsetWidth < data.narrow.width ? data.narrow : null;
    box.style.setProperty("--live-figure-height", narrow ? `${narrow.height}px` : data.height);
    return narrow?.layout ?? {};
  }

  // Figures wait while one is drawn, while the chart is dragged and while it is hidden, as in a closed tab; only the
  // newest is kept.
  async draw() {
    this.waiting = true;
    if (this.drawing) return;
    this.drawing = true;
    const { chart, box, note } = this;
    try {
      await chart.load(this.data.plotly);
      while (this.waiting && !this.gone && !chart.pressed && box.offsetWidth) {
        this.waiting = false;
        await this.drawFigure();
      }
    } catch (error) {
      this.drawn = null;
      this.element.hidden = !box.dataset.ready;
      note.textContent = `This chart cannot be drawn. ${error.message}. Reload the page to try again.`;
    }
    this.drawing = false;
  }

  async drawFigure() {
    const { chart, box, element, note } = this;
    const template = themeTemplate(box);
    const narrow = this.fit();
    const drawn = [this.data.figure, element.offsetWidth, element.offsetHeight, JSON.stringify(template)];
    if (drawn.every((part, i) => part === this.drawn?.[i])) return;
    element.hidden = false;
    const { data, layout } = JSON.parse(this.data.figure); // anew, as Plotly writes into it
    for (const [name, part] of Object.entries(narrow)) layout[name] = { ...layout[name], ...part };
    note.textContent = "";
    delete layout.width;
    delete layout.height;
    chart.forgetFirstRanges();
    const config = { ...CONFIG, modeBarButtonsToRemove: REMOVED_BUTTONS };
    await chart.draw(data, { ...layout, autosize: true, template }, config);
    this.drawn = drawn;
    this.followTimeline();
    box.dataset.revision = Number(box.dataset.revision ?? 0) + 1;
    box.dataset.ready = "true";
  }

  // The line at a moment needs the figure's axes.
  followTimeline() {
    const { data, box, chart } = this;
    if (!data.cursor || !chart.drawn) return;
    if (!this.cursor) {
      this.cursor = new Cursor(box, chart, data.cursor.timeline, this.listeners.signal);
      for (const type of ["plotly_afterplot", "plotly_relayouting"]) chart.on(type, () => this.cursor.draw());
    }
    this.cursor.follow(data.cursor.x);
  }

  dispose() {
    this.gone = true;
    this.listeners.abort();
    this.resizes.disconnect();
    this.chart.purge();
  }
}

export const show = component("liveFigure", (parentElement) => new LiveFigure(parentElement));
