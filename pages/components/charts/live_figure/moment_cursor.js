// Where the moment that is seen stands on curves over epochs, steps or seconds: a line through each panel, on
// elements of ours, as Plotly would draw all of the figure again. A click on a panel goes to the nearest moment.
import { element } from "../../shell/dom.js";
import { timeline } from "../../stores/moments/timeline.js";

export class Cursor {
  listeners = new AbortController();
  lines = [];

  // On a chart of Plotly's, which lies in `box`, for good; of the timeline of this name.
  constructor(box, chart, name) {
    Object.assign(this, { box, chart, seen: timeline(name) });
    this.seen.addEventListener("change", () => this.draw(), { signal: this.listeners.signal });
  }

  // `x` is the name of what the figure is over.
  follow(x) {
    this.x = x;
    this.draw();
  }

  // Where moments lie on the figure; the one that is live lies nowhere.
  places() {
    return this.seen.moments.map((moment) => moment[this.x] ?? NaN);
  }

  // To the moment nearest to where was clicked; the second half of a double click, which is Plotly's way back to the
  // whole figure, undoes the first.
  click({ x, twice }) {
    const { seen } = this;
    if (!seen.moments.length) return;
    if (twice) return seen.seek(this.before);
    this.before = Math.round(seen.position);
    let [best, least] = [null, Infinity];
    for (const [index, place] of this.places().entries())
      if (Math.abs(place - x) < least) [best, least] = [index, Math.abs(place - x)];
    if (best !== null) seen.seek(best);
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
