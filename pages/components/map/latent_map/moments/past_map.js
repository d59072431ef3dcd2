// The map at an earlier moment of the training. Between two moments a point lies on the straight line between its two
// places; everything else is that of the nearer moment.
import { timeline } from "../../../stores/moments/timeline.js";
import { Awaited } from "../../../stores/registry/awaited.js";
import { pointSets } from "../../../stores/registry/registry.js";
import { home } from "../layers/plotly_figure.js";
import { makeGrid } from "../spatial_index.js";
import { isLine } from "../view.js";
import { momentPoints } from "./moment_points.js";

const TEST = "Moments hold the test set, so its points are shown.";
const LOSSES = "Colours by loss are those of the newest weights."; // no snapshot has any

export class PastMap {
  timeline = null;
  scene = null; // what it shows, once that can be drawn; null at the newest weights
  points = null; // at the moment that is shown

  // `on` has the callbacks moved() at every change, momentChanged() when another moment is the nearest.
  constructor(on) {
    this.on = on;
    this.listeners = new AbortController();
    this.awaited = new Awaited(pointSets(), () => this.change());
  }

  // How the newest map looks and what is marked on it: { colouring, colours, scale, layers, plane, points, pins, pinned,
  // chosen, ellipse }; and its `moments` { timeline, points, pictures, training }: the names of the timeline and of the
  // test set's points, the URL of its pictures, and whether the newest map shows the training set instead; or null where
  // there is no time slider.
  follow(map) {
    this.map = map;
    const { colouring, layers, points, moments } = map;
    const name = moments?.timeline;
    if (name !== this.timeline?.name) {
      this.listeners.abort();
      this.listeners = new AbortController();
      this.timeline = name ? timeline(name) : null;
      this.timeline?.addEventListener("change", () => this.stale && this.change(), { signal: this.listeners.signal });
    }
    if (moments) this.awaited.request(moments.points);
    const remarks = [colouring === "reconstruction" && LOSSES, moments?.training && TEST];
    const remark = layers.includes("points") ? remarks.filter(Boolean).join(" ") : "";
    if (this.timeline && this.timeline.remark !== remark) this.timeline.set({ remark });
    this.change();
  }

  // Whether an earlier moment is shown.
  get active() {
    return this.scene !== null;
  }

  // Whether the timeline shows something else than what is drawn; while a moment is fetched it does not.
  get stale() {
    return ["scene", "fixedAxes", "played"].some((name) => this.timeline[name] !== this[name]);
  }

  get decoder() {
    return this.scene.loaded.decoder;
  }

  // The ranges of the whole map, or null for those of the newest weights, which fixed axes keep.
  get home() {
    if (!this.active || this.timeline.fixedAxes) return null;
    return (this.whole ??= home(this.pointsOf(this.scene.loaded), isLine(this.map.plane)));
  }

  // The points over whose values colours are spread: with fixed axes those of the newest weights, so that a colour
  // means the same at every moment.
  get spread() {
    return this.active && !this.timeline.fixedAxes ? this.points : this.awaited.value;
  }

  // The spatial index for a pointer that rests; none while points move.
  get grid() {
    return this.scene.part ? null : (this.found ??= makeGrid(this.points.xy));
  }

  // The points of a moment on the plane of the map; those of the newest weights come by a store.
  pointsOf(moment) {
    const newest = this.awaited.value;
    return moment.mean ? momentPoints(moment, newest, this.map.plane) : newest;
  }

  place(index) {
    return [...this.points.xy.subarray(2 * index, 2 * index + 2)];
  }

  // The places of the pins; pinned test pictures are where they were at this moment.
  get pins() {
    const { pins, pinned } = this.map;
    return this.active ? pins.map((pin, k) => (pinned[k] === null ? pin : this.place(pinned[k]))) : pins;
  }

  // The posterior of the chosen pin, if it is a test picture: { at, covariance }, or null.
  get ellipse() {
    const { ellipse, pinned, chosen } = this.map;
    const index = pinned[chosen];
    if (!this.active || !ellipse) return ellipse;
    return { at: this.place(index), covariance: this.points.covariance.subarray(3 * index, 3 * index + 3) };
  }

  change() {
    const { timeline } = this;
    const before = this.scene;
    const newest = this.awaited.value;
    const scene = (newest && this.map && timeline?.scene) || null;
    const [fixedAxes, played] = [timeline?.fixedAxes, Boolean(timeline?.played)];
    const changed = scene?.loaded !== before?.loaded || this.fixedAxes !== fixedAxes || this.played !== played;
    Object.assign(this, { scene, fixedAxes, played });
    [this.found, this.whole] = [null, changed ? null : this.whole];
    if (!scene && !before) return;
    this.points = scene && this.between(scene);
    this.on.moved();
    if (changed) this.on.momentChanged();
  }

  between({ loaded, part, ...ends }) {
    const [from, to, near] = [ends.from, ends.to, loaded].map((each) => this.pointsOf(each));
    if (!part) return near;
    this.places = this.places?.length === from.xy.length ? this.places : new Float32Array(from.xy.length);
    for (let k = 0; k < this.places.length; k++) this.places[k] = from.xy[k] + part * (to.xy[k] - from.xy[k]);
    return { ...near, xy: this.places };
  }

  dispose() {
    this.listeners.abort();
    this.awaited.end();
  }
}
