import { component } from "../../shell/lifecycle.js";
import { element } from "../../shell/dom.js";
import { emitHover, named, placeText } from "../../shell/hover_event.js";
import { MomentDecoder } from "../../stores/moments/moment_decoder.js";
import { imageOf, put } from "../../stores/pictures/levels.js";

// The place at a fraction of the path, 0 to 1, interpolated linearly between neighbouring places.
function placeAt(places, part) {
  const position = part * (places.length - 1);
  const before = Math.min(Math.floor(position), places.length - 2);
  const weight = position - before;
  return places[before].map((value, i) => (1 - weight) * value + weight * places[before + 1][i]);
}

// Phases 0 to 1 lead from the start to the end, 1 to 2 back again.
const partOf = (phase) => (phase < 1 ? phase : 2 - phase);

class PathStrip {
  frame = null;
  phase = 0;
  playing = false;
  emitting = false; // whether the other components show the place on the path

  constructor(parentElement) {
    const box = (this.box = parentElement.querySelector(".path-strip"));
    const parts = ["input", "button", ".path-strip-row", ".path-strip-place"];
    [this.slider, this.button, this.row, this.place] = parts.map((part) => box.querySelector(part));
    this.source = new MomentDecoder(() => this.drawRow());
    this.button.onclick = () => this.play(!this.playing);
    this.slider.oninput = () => this.scrub(this.slider.value / 100);
    this.row.onclick = ({ target }) => {
      const { children } = this.row;
      const number = [...children].indexOf(target);
      if (number >= 0) this.scrub(number / (children.length - 1));
    };
    // Both the pointer and the keyboard's focus have to leave.
    const left = () => {
      if (!this.playing && !box.matches(":hover, :has(:focus-visible)")) this.leave();
    };
    box.onpointerleave = left;
    box.addEventListener("focusout", () => setTimeout(left)); // by then the next element has the focus
  }

  show({ data }) {
    const text = JSON.stringify(data);
    if (this.shown === text) return;
    const ends = JSON.stringify([data.places[0], data.places.at(-1)]);
    if (this.ends !== ends) {
      // Another path begins at its start; with the same ends the position stays.
      if (this.ends !== undefined) this.play(false);
      this.phase = 0;
      this.ends = ends;
      this.leave();
    }
    Object.assign(this, { shown: text, data });
    this.box.setAttribute("aria-label", data.label);
    this.row.setAttribute("aria-label", `${data.label}, in steps`);
    this.source.request(data.decoder, data.timeline);
    this.drawRow();
  }

  // The images along the path, anew for another decoder or path.
  drawRow() {
    const { data, row } = this;
    const decoder = this.source.value;
    if (!decoder) return;
    const shown = data.places.filter((_, i) => i % data.step === 0);
    const images = shown.map((z) => imageOf(decoder.greyLevels(decoder.decode(z))));
    const canvases = images.map((image, i) => put(row.children[i] ?? element("canvas"), image));
    if (row.children.length !== canvases.length) row.replaceChildren(...canvases);
    this.request();
  }

  play(playing) {
    Object.assign(this, { playing, last: null });
    this.emitting ||= playing;
    this.button.textContent = playing ? "Pause" : "Play";
    this.request();
  }

  // Stops at a fraction of the path.
  scrub(part) {
    this.phase = part;
    this.emitting = true;
    this.play(false);
  }

  // The other components no longer show the place on the path.
  leave() {
    if (!this.emitting) return;
    this.emitting = false;
    this.request();
    emitHover("path", null);
  }

  request() {
    this.frame ??= requestAnimationFrame((now) => this.draw(now));
  }

  // Draws the place that is shown; at most once a frame.
  draw(now) {
    this.frame = null;
    const { slider, row, data } = this;
    if (!this.source.value) return;
    if (this.playing) {
      this.phase = (this.phase + (now - (this.last ?? now)) / 1000 / data.seconds) % 2;
      this.last = now;
      this.request();
    }
    const part = partOf(this.phase);
    const z = placeAt(data.places, part);
    const where = named(placeAt(data.numbers, part), data.names);
    const text = `${Math.round(100 * part)} % of the way: ${placeText(z, where)}`;
    this.place.textContent = this.emitting ? text : data.label;
    slider.setAttribute("aria-valuetext", text);
    if (Number(slider.value) !== 100 * part) slider.value = 100 * part;
    const nearest = Math.round(part * (row.children.length - 1));
    [...row.children].forEach((each, i) => each.classList.toggle("path-strip-nearest", i === nearest));
    if (this.emitting) emitHover("path", z);
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.source.end();
    this.leave();
  }
}

export const show = component("pathStrip", (parentElement) => new PathStrip(parentElement));
