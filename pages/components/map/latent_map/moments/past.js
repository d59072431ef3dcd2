// The map at another moment of the training than the newest: its points on a canvas of ours, and what the map has to
// know of them. Between two moments a point lies on the straight line from one of its places to the other; all else
// is that of the nearer one.
import { timeline } from "../../../stores/moments/timeline.js";
import { Awaited } from "../../../stores/registry/awaited.js";
import { pointSets } from "../../../stores/registry/registry.js";
import { HIDDEN, makeDots } from "../layers/points_canvas.js";
import { groups, home } from "../layers/plotly_figure.js";
import { momentPoints } from "./moment_points.js";
import { makeGrid } from "../spatial_index.js";

const TEST = "Moments hold the test set, so its points are shown.";
const LOSSES = "Colours by loss are those of the newest weights."; // no snapshot has any

export class Past {
  seen = null; // the timeline
  scene = null; // of it, once it can be drawn
  points = null; // those of the map, while it is in the past

  // `on` is told: `moved()` at every change, `turned()` where another moment is the nearest.
  constructor(map, canvas, on) {
    Object.assign(this, { map, canvas, on, dots: makeDots(canvas) });
    canvas.places = () => [...this.points.xy]; // for tests
    this.listeners = new AbortController();
    this.awaited = new Awaited(pointSets(), () => this.change());
  }

  // What Python says: { timeline, points, pictures }, the name of the test set's points and the address of its
  // pictures; or null, where there is no slider.
  follow(moments) {
    const name = moments?.timeline;
    if (name !== this.seen?.name) {
      this.listeners.abort();
      this.listeners = new AbortController();
      this.seen = name ? timeline(name) : null;
      this.seen?.addEventListener("change", () => this.stale && this.change(), { signal: this.listeners.signal });
    }
    if (moments) this.awaited.ask(moments.points);
    this.pictures = moments?.pictures ?? null;
    const { colouring, layers, points } = this.map.data;
    const remarks = [colouring === "reconstruction" && LOSSES, moments && points !== moments.points && TEST];
    const remark = layers.includes("points") ? remarks.filter(Boolean).join(" ") : "";
    if (this.seen && this.seen.remark !== remark) this.seen.set({ remark });
    this.change();
  }

  get active() {
    return this.scene !== null;
  }

  // Whether the timeline shows another than what is drawn: while a moment is fetched it does not.
  get stale() {
    return ["scene", "fixedAxes", "played"].some((name) => this.seen[name] !== this[name]);
  }

  get decoder() {
    return this.scene.loaded.decoder;
  }

  // Where the whole map ends: held still, that of the newest weights.
  get home() {
    return this.active && !this.seen.fixedAxes ? (this.whole ??= home(this.of(this.scene.loaded))) : null;
  }

  // The points over whose values colours are spread: held still, those of the newest weights, so that a colour means
  // the same at every moment.
  get spread() {
    return this.active && !this.seen.fixedAxes ? this.points : this.awaited.value;
  }

  // Of the point under a pointer that rests; while points move none is found.
  get grid() {
    return this.scene.part ? null : (this.found ??= makeGrid(this.points.xy));
  }

  // The points of a moment on this plane; those of the present come by a store.
  of(opened) {
    const newest = this.awaited.value;
    return opened.mean ? momentPoints(opened, newest, this.map.data.plane) : newest;
  }

  place(index) {
    return [...this.points.xy.subarray(2 * index, 2 * index + 2)];
  }

  // Places of the pins; those of test pictures go with these.
  get pins() {
    const { pins, pinned } = this.map.data;
    return this.active ? pins.map((pin, k) => (pinned[k] === null ? pin : this.place(pinned[k]))) : pins;
  }

  // That of the chosen pin, if it is a test picture.
  get ellipse() {
    const { ellipse, pinned, chosen } = this.map.data;
    const index = pinned[chosen];
    if (!this.active || !ellipse) return ellipse;
    return { at: this.place(index), covariance: this.points.covariance.subarray(3 * index, 3 * index + 3) };
  }

  change() {
    const { seen, map } = this;
    const before = this.scene;
    const newest = this.awaited.value;
    const scene = (newest && map.data && seen?.scene) || null;
    const [fixedAxes, played] = [seen?.fixedAxes, Boolean(seen?.played)];
    const turned = scene?.loaded !== before?.loaded || this.fixedAxes !== fixedAxes || this.played !== played;
    Object.assign(this, { scene, fixedAxes, played });
    [this.found, this.whole] = [null, turned ? null : this.whole];
    if (!scene && !before) return;
    this.points = scene ? this.between(scene) : newest; // the newest are ours until Plotly has drawn its own
    if (turned) this.colours = null;
    map.root.toggleAttribute("data-past", true);
    this.on.moved();
    if (turned) this.on.turned();
  }

  between({ loaded, part, ...ends }) {
    const [from, to, near] = [ends.from, ends.to, loaded].map((each) => this.of(each));
    if (!part) return near;
    this.places = this.places?.length === from.xy.length ? this.places : new Float32Array(from.xy.length);
    for (let k = 0; k < this.places.length; k++) this.places[k] = from.xy[k] + part * (to.xy[k] - from.xy[k]);
    return { ...near, xy: this.places };
  }

  // The newest weights' points stand there again, drawn by Plotly.
  settle() {
    if (this.active) return;
    this.canvas.hidden = true;
    this.map.root.removeAttribute("data-past");
  }

  draw() {
    const { map, canvas, points } = this;
    canvas.hidden = !map.root.hasAttribute("data-past") || !map.data.layers.includes("points");
    if (canvas.hidden || !points) return;
    const { data, hidden, view, plotted } = map;
    const of = JSON.stringify([data.colouring, [...hidden]]);
    if (!this.colours || this.coloured !== of) {
      this.coloured = of;
      this.colours = new Uint8Array(points.labels.length).fill(HIDDEN);
      const parts = groups(points, data, hidden, this.spread);
      for (const [k, { members }] of parts.entries()) for (const i of members) this.colours[i] = k;
      this.palette = parts.map(({ colour }) => colour);
    }
    this.dots({ xy: points.xy, colours: this.colours, palette: this.palette, view, mark: plotted.mark });
    const { scene } = this;
    canvas.dataset.moment = scene ? scene.before + scene.part : "now";
  }

  dispose() {
    this.listeners.abort();
    this.awaited.end();
  }
}
