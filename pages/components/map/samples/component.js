import { component } from "../../shell/lifecycle.js";
import { element } from "../../shell/dom.js";
import { emitHover } from "../../shell/hover_event.js";
import { MomentDecoder } from "../../stores/moments/moment_decoder.js";
import { bytesOf, imageOf } from "../../stores/pictures/levels.js";
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
    this.source = new MomentDecoder(() => this.draw());
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
    this.source.request(data.decoder, data.timeline);
    this.draw();
  }

  draw() {
    const { box, canvas, data, posteriors } = this;
    if (!data) return;
    const decoder = this.source.value;
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
    const earlier = this.source.moment; // the newest has no posteriors of its own
    const [mean, logvar] = earlier?.mean
      ? [earlier.mean, earlier.logvar].map((all) => all.subarray(one * data.every * size))
      : [posteriors.subarray(2 * one * size), posteriors.subarray((2 * one + 1) * size)];
    return Array.from({ length: size }, (_, i) => mean[i] + Math.exp(logvar[i] / 2) * normal());
  }

  dispose() {
    this.listeners.abort();
    this.source.end();
    emitHover("samples", null);
  }
}

export const show = component("samples", (parentElement) => new Samples(parentElement));
