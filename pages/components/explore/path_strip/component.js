import { component } from "../../shell/lifecycle.js";
import { element } from "../../shell/dom.js";
import { emitHover, named, placeText } from "../../shell/hover_event.js";
import { bytesOf, imageOf, put, split } from "../../stores/pictures/levels.js";
import { Awaited } from "../../stores/registry/awaited.js";
import { decoders } from "../../stores/registry/registry.js";

// The place at a fraction of the path, 0 to 1, interpolated linearly between neighbouring places.
function placeAt(places, part) {
  const position = part * (places.length - 1);
  const before = Math.min(Math.floor(position), places.length - 2);
  const weight = position - before;
  return places[before].map((value, i) => (1 - weight) * value + weight * places[before + 1][i]);
}

// Phases 0 to 1 lead from the start to the end, 1 to 2 back again.
const partOf = (phase) => (phase < 1 ? phase : 2 - phase);

// Draws the place that is shown; at most once a frame.
function draw(state, now) {
  state.frame = null;
  const { box, canvas, slider, row, data } = state;
  const decoder = state.awaited.value;
  if (decoder === null) return;
  if (state.playing) {
    state.phase = (state.phase + (now - (state.last ?? now)) / 1000 / data.seconds) % 2;
    state.last = now;
    request(state);
  }
  const part = partOf(state.phase);
  const z = placeAt(data.places, part);
  put(canvas, imageOf(decoder.greyLevels(decoder.decode(z))));
  const where = named(placeAt(data.numbers, part), data.names);
  const text = `${Math.round(100 * part)} % of the way: ${placeText(z, where)}`;
  box.querySelector(".path-strip-place").textContent = text;
  canvas.setAttribute("aria-label", `What the model draws at ${text}`);
  slider.setAttribute("aria-valuetext", text);
  if (Number(slider.value) !== 100 * part) slider.value = 100 * part;
  const nearest = Math.round(part * (row.children.length - 1));
  [...row.children].forEach((each, i) => each.classList.toggle("path-strip-nearest", i === nearest));
  if (state.emitting) emitHover("path", z);
}

function request(state) {
  state.frame ??= requestAnimationFrame((now) => draw(state, now));
}

function play(state, playing) {
  state.playing = playing;
  state.last = null;
  state.emitting ||= playing;
  state.box.querySelector("button").textContent = playing ? "Pause" : "Play";
  request(state);
}

// Stops at a fraction of the path.
function scrub(state, part) {
  state.phase = part;
  state.emitting = true;
  play(state, false);
}

// The other components no longer show the place on the path.
function leave(state) {
  if (!state.emitting) return;
  state.emitting = false;
  emitHover("path", null);
}

function makeStrip(parentElement) {
  const box = parentElement.querySelector(".path-strip");
  const [canvas, slider, row] = ["canvas", "input", ".path-strip-row"].map((each) => box.querySelector(each));
  const state = { box, canvas, slider, row, frame: null, phase: 0, playing: false, emitting: false };
  state.awaited = new Awaited(decoders(), () => request(state));
  box.querySelector("button").onclick = () => play(state, !state.playing);
  slider.oninput = () => scrub(state, slider.value / 100);
  row.onclick = ({ target }) => {
    const number = [...row.children].indexOf(target);
    if (number >= 0) scrub(state, number / (row.children.length - 1));
  };
  // Both the pointer and the keyboard's focus have to leave.
  const left = () => {
    if (!state.playing && !box.matches(":hover, :has(:focus-visible)")) leave(state);
  };
  box.onpointerleave = left;
  box.addEventListener("focusout", () => setTimeout(left)); // by then the next element has the focus
  state.show = ({ data }) => update(state, data);
  state.dispose = () => {
    cancelAnimationFrame(state.frame);
    state.awaited.end();
    leave(state);
  };
  return state;
}

// Draws the row's pictures from their grey levels in base64.
function drawRow({ row, data }) {
  const parts = split(bytesOf(data.pictures), data.side * data.side);
  const pictures = parts.map((levels) => put(element("canvas"), imageOf(levels)));
  row.replaceChildren(...pictures);
  row.style.maxWidth = `${80 * pictures.length}px`; // few pictures do not fill a wide window
}

// Shows other data.
function update(state, data) {
  const text = JSON.stringify(data);
  if (state.shown === text) return;
  const ends = JSON.stringify([data.places[0], data.places.at(-1)]);
  if (state.ends !== ends) {
    // Another path begins at its start; with the same ends the position stays.
    if (state.ends !== undefined) play(state, false);
    state.phase = 0;
    state.ends = ends;
    leave(state);
  }
  state.shown = text;
  state.data = data;
  state.box.setAttribute("aria-label", data.label);
  state.row.setAttribute("aria-label", `${data.label}, in steps`);
  drawRow(state);
  state.awaited.request(data.decoder);
  request(state);
}

export const show = component("pathStrip", makeStrip);
