// The moment shown by a timeline, as a vertical line through each panel of curves over epochs, steps or seconds. The
// lines are elements of our own, as Plotly would draw the whole figure again. A click on a panel goes to the nearest
// moment.
import { element } from "../../shell/dom.js";
import { timeline } from "../../stores/moments/timeline.js";

export class Cursor {
  lines = [];

  // Over a PlotlyChart, in the box around it, of the timeline of this name; until `signal` is aborted.
  constructor(box, chart, name, signal) {
    Object.assign(this, { box, chart, timeline: timeline(name) });
    this.timeline.addEventListener("change", () => this.draw(), { signal });
  }

  // `x` is the quantity on the figure's x axes: "epoch", "step" or "seconds".
  follow(x) {
    this.x = x;
    this.draw();
  }

  // The x coordinate of each moment; NaN where it is not known, as of a live one.
  get places() {
    return this.timeline.moments.map((moment) => moment[this.x] ?? NaN);
  }

  // Goes to the moment nearest to the click. The second half of a double click, which makes Plotly show the whole
  // figure, undoes the first.
  click({ x, twice }) {
    const { timeline } = this;
    if (!timeline.moments.length) return;
    if (twice) return timeline.seek(this.before);
    this.before = Math.round(timeline.position);
    let [best, least] = [null, Infinity];
    for (const [index, place] of this.places.entries())
      if (Math.abs(place - x) < least) [best, least] = [index, Math.abs(place - x)];
    if (best !== null) timeline.seek(best);
  }

  // To be called whenever the figure has been drawn or its axes have moved.
  draw() {
    const { timeline, chart, box } = this;
    const { panels } = chart;
    while (this.lines.length < panels.length) this.lines.push(box.appendChild(element("i", { class: "live-figure-cursor" })));
    const { position, last } = timeline;
    const { places } = this;
    const [from, to] = [places[Math.floor(position)], places[Math.ceil(position)]];
    const x = from + (position - Math.floor(position)) * ((Number.isNaN(to) ? from : to) - from);
    for (const [k, line] of this.lines.entries()) {
      const axes = panels[k] ? chart.axes(panels[k]) : null;
      const at = axes ? axes.x.toPixel(x) : NaN;
      line.hidden = !(position < last && at >= 0 && at <= axes.x.length);
      if (line.hidden) continue;
      line.style.left = `${chart.element.offsetLeft + axes.x.offset + at}px`;
      line.style.top = `${chart.element.offsetTop + axes.y.offset}px`;
      line.style.height = `${axes.y.length}px`;
    }
  }
}
