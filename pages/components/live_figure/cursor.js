// Where the moment that is seen stands on curves over epochs, steps or seconds: a line through each panel, on
// elements of ours, as Plotly would draw all of the figure again. A click on a panel goes to the nearest moment.
import { element } from "../element.js";
import { timeline } from "../moments/timeline.js";

const CLICK_PX = 5; // a pointer that moves further than this drags

export class Cursor {
  listeners = new AbortController();
  lines = [];

  // On a chart of Plotly's, which lies in `box`.
  constructor(box, chart) {
    Object.assign(this, { box, chart });
    let pressed = null;
    const { signal } = this.listeners;
    const away = (event) => Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY);
    chart.addEventListener(
      "pointerdown",
      (event) => {
        const panel = event.target.closest(".nsewdrag");
        const free = panel && event.isPrimary && event.button === 0;
        pressed = free ? { ...at(event), axis: axisOf(panel) } : null;
      },
      { signal, capture: true },
    );
    // On the window, as Plotly covers the page while the pointer is down.
    window.addEventListener(
      "pointerup",
      (event) => {
        if (pressed && away(event) < CLICK_PX) this.click(event, pressed.axis);
        pressed = null;
      },
      { signal, capture: true },
    );
  }

  // What Python says: { timeline, x }, x the name of what the figure is over.
  follow({ timeline: name, x }) {
    this.x = x;
    if (!this.seen) {
      this.seen = timeline(name);
      this.seen.addEventListener("change", () => this.draw(), { signal: this.listeners.signal });
    }
    this.draw();
  }

  // Where moments lie on the figure; the one that is live lies nowhere.
  places() {
    return this.seen.moments.map((moment) => moment[this.x] ?? NaN);
  }

  click({ clientX }, name) {
    const axis = this.chart._fullLayout?.[name];
    if (!axis || !this.seen) return;
    const x = axis.p2d(clientX - this.chart.getBoundingClientRect().left - axis._offset);
    let [best, least] = [null, Infinity];
    for (const [index, place] of this.places().entries())
      if (Math.abs(place - x) < least) [best, least] = [index, Math.abs(place - x)];
    if (best !== null) this.seen.seek(best);
  }

  // To be called whenever the figure has been drawn, and whenever its axes have moved.
  draw() {
    const { seen, chart, box } = this;
    const layout = chart._fullLayout;
    const panels = layout?._subplots?.cartesian ?? [];
    while (this.lines.length < panels.length) this.lines.push(box.appendChild(element("i", { class: "live-figure-cursor" })));
    const { position, last } = seen;
    const places = this.places();
    const [from, to] = [places[Math.floor(position)], places[Math.ceil(position)]];
    const x = from + (position - Math.floor(position)) * ((Number.isNaN(to) ? from : to) - from);
    for (const [k, line] of this.lines.entries()) {
      const plot = layout?._plots[panels[k]];
      const at = plot ? plot.xaxis.d2p(x) : NaN;
      line.hidden = !(position < last && at >= 0 && at <= plot.xaxis._length);
      if (line.hidden) continue;
      line.style.left = `${chart.offsetLeft + plot.xaxis._offset + at}px`;
      line.style.top = `${chart.offsetTop + plot.yaxis._offset}px`;
      line.style.height = `${plot.yaxis._length}px`;
      line.dataset.x = x;
    }
  }

  dispose() {
    this.listeners.abort();
  }
}

const at = ({ clientX, clientY }) => ({ clientX, clientY });

// "x2y2" -> "xaxis2"
const axisOf = (panel) => `xaxis${/^x(\d*)y/.exec(panel.dataset.subplot)?.[1] ?? ""}`;
