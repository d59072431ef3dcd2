import { component } from "../../shell/lifecycle.js";
import { emitHover, named } from "../../shell/hover_event.js";
import { MomentDecoder } from "../../stores/moments/moment_decoder.js";
import { bytesOf, imageOf, put } from "../../stores/pictures/levels.js";
import { choice } from "../../map/samples/choice.js";
import { draws } from "../../map/samples/noise.js";

const SHOWN = 2; // coordinates

const asText = (numbers) => `(${named(numbers.slice(0, SHOWN), [])}${numbers.length > SHOWN ? ", …" : ""})`;

class EncoderStrip {
  listeners = new AbortController();

  constructor(parentElement) {
    const box = (this.box = parentElement.querySelector(".encoder-strip"));
    this.rows = box.querySelectorAll(".encoder-strip-row");
    [this.image, this.decoded] = box.querySelectorAll("canvas");
    this.cells = box.querySelectorAll("td");
    this.seed = box.querySelector(".encoder-strip-seed");
    this.note = box.querySelector(".component-note");
    this.source = new MomentDecoder(() => this.draw());
    const { signal } = this.listeners;
    choice.read();
    choice.addEventListener("change", () => this.draw(), { signal });
    box.querySelector("button").onclick = () => {
      choice.again();
      emitHover("encoder", this.z);
    };
    box.onpointerleave = () => emitHover("encoder", null);
  }

  show({ data }) {
    this.data = data;
    this.source.request(data.decoder, data.timeline);
    this.draw();
  }

  // Decoder, mean and log-variance of the moment that is shown, or null while they are on their way.
  get moment() {
    const { image } = this.data;
    const { moment: earlier, value: decoder } = this.source;
    if (!decoder) return null;
    const size = image.mean.length;
    const of = (all) => [...all.subarray(image.index * size, (image.index + 1) * size)];
    return earlier?.mean
      ? { decoder, mean: of(earlier.mean), logvar: of(earlier.logvar) }
      : { decoder, mean: image.mean, logvar: image.logvar };
  }

  draw() {
    if (!this.data) return;
    const { image } = this.data;
    this.note.hidden = Boolean(image);
    for (const row of this.rows) row.hidden = !image;
    const moment = image && this.moment;
    if (!moment) return;
    const { decoder, mean, logvar } = moment;
    const { normal } = draws(choice.seed, 0);
    const noise = mean.map(normal);
    const sigma = logvar.map((each) => Math.exp(each / 2));
    this.z = mean.map((each, i) => each + sigma[i] * noise[i]);
    [mean, sigma, noise, this.z].forEach((numbers, i) => (this.cells[i].textContent = asText(numbers)));
    put(this.image, imageOf(bytesOf(image.levels)));
    put(this.decoded, imageOf(decoder.greyLevels(decoder.decode(this.z))));
    this.image.setAttribute("aria-label", image.name);
    this.decoded.setAttribute("aria-label", `Decoded from z = ${asText(this.z)}`);
    this.seed.textContent = `seed ${choice.seed}`;
    this.box.dataset.z = JSON.stringify(this.z);
  }

  dispose() {
    this.listeners.abort();
    this.source.end();
    emitHover("encoder", null);
  }
}

export const show = component("encoderStrip", (parentElement) => new EncoderStrip(parentElement));
