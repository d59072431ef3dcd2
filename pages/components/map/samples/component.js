import { component } from "../../shell/lifecycle.js";
import { element } from "../../shell/dom.js";
import { emitHover } from "../../shell/hover_event.js";
import { timeline } from "../../stores/moments/timeline.js";
import { bytesOf, imageOf } from "../../stores/pictures/levels.js";
import { Awaited } from "../../stores/registry/awaited.js";
import { decoders } from "../../stores/registry/registry.js";
import { choice } from "./choice.js";
import { draws } from "./noise.js";

const GAP = 2; // pixels of the images
const WAITS = "Samples appear with the first weights.";

class Samples {
  listeners = new AbortController();
  places = []; // z of each sample

  constructor(parentElement) {
    const box = (this.box = parentElement.querySelector(".samples"));
    [this.canvas, this.seed, this.images] = ["canvas", ".samples-seed", ".samples-images"].map((part) =>
      box.querySelector(part),
    );
    this.kinds = [...box.querySelectorAll("[data-kind]")];
    for (const button of this.kinds) button.onclick = () => choice.set({ kind: button.dataset.kind });
    box.querySelector("[data-act]").onclick = () => choice.again();
    this.awaited = new Awaited(decoders(), () => this.draw());
    const { signal } = this.listeners;
    choice.read();
    choice.addEventListener("change", () => this.draw(), { signal });
    this.canvas.onpointermove = ({ offsetX }) => {
      const z = this.places[Math.floor((offsetX / this.canvas.clientWidth) * this.places.length)];
      if (z) emitHover("samples", z);
    };
    this.canvas.onpointerleave = () => emitHover("samples", null);
  }

  show({ data }) {
    if (this.data?.posteriors !== data.posteriors) {
      this.posteriors = data.posteriors && new Float32Array(bytesOf(data.posteriors).buffer);
    }
    this.data = data;
    this.follow(data.timeline);
    if (data.decoder) this.awaited.request(data.decoder);
    this.draw();
  }

  // The same timeline as long as the row exists.
  follow(name) {
    if (!name || this.timeline) return;
    this.timeline = timeline(name);
    const { signal } = this.listeners;
    this.timeline.addEventListener("change", () => this.drawn === this.decoder || this.draw(), { signal });
  }

  // That of the moment which is shown, once the newest is here.
  get decoder() {
    return this.awaited.value && (this.timeline?.scene?.loaded.decoder ?? this.awaited.value);
  }

  draw() {
    const { box, canvas, decoder, data, posteriors } = this;
    if (!data) return;
    this.drawn = decoder;
    const kind = posteriors ? choice.kind : "prior";
    for (const button of this.kinds) {
      button.setAttribute("aria-pressed", button.dataset.kind === kind);
      button.disabled = button.dataset.kind === "aggregate" && !posteriors;
    }
    this.seed.textContent = `seed ${choice.seed}`;
    canvas.hidden = !decoder;
    this.say(data.decoder ? "" : WAITS);
    if (!decoder) return;
    const size = decoder.layers[0].inputs;
    this.places = Array.from({ length: data.images }, (_, number) =>
      kind === "prior" ? this.fromPrior(number, size) : this.fromAggregate(number, size),
    );
    const images = this.places.map((z) => imageOf(decoder.greyLevels(decoder.decode(z))));
    const side = images[0].width;
    Object.assign(canvas, { width: images.length * (side + GAP) - GAP, height: side }); // clears it
    const context = canvas.getContext("2d");
    images.forEach((image, number) => context.putImageData(image, number * (side + GAP), 0));
    const of = kind === "prior" ? "prior" : "aggregate posterior";
    canvas.setAttribute("aria-label", `${images.length} samples of the ${of}, seed ${choice.seed}`);
    box.dataset.kind = kind;
    box.dataset.z = JSON.stringify(this.places);
  }

  // A note in place of the images.
  say(text) {
    const note = this.images.querySelector("p");
    if (!text) return note?.remove();
    if (!note) this.images.append(element("p", {}, text));
  }

  fromPrior(number, size) {
    const { normal } = draws(choice.seed, number);
    return Array.from({ length: size }, normal);
  }

  // mean + sigma · noise of a random one of the test images whose posteriors are here.
  fromAggregate(number, size) {
    const { uniform, normal } = draws(choice.seed, number);
    const { posteriors, data } = this;
    const one = Math.floor(uniform() * (posteriors.length / (2 * size)));
    const earlier = this.timeline?.scene?.loaded; // the newest moment has none of its own
    const [mean, logvar] = earlier?.mean
      ? [earlier.mean, earlier.logvar].map((all) => all.subarray(one * data.every * size))
      : [posteriors.subarray(2 * one * size), posteriors.subarray((2 * one + 1) * size)];
    return Array.from({ length: size }, (_, i) => mean[i] + Math.exp(logvar[i] / 2) * normal());
  }

  dispose() {
    this.listeners.abort();
    this.awaited.end();
  }
}

export const show = component("samples", (parentElement) => new Samples(parentElement));
