import { component } from "../../shell/lifecycle.js";
import { onHover } from "../../shell/hover_event.js";
import { MomentDecoder } from "../../stores/moments/moment_decoder.js";
import { bytesOf, imageOf, put } from "../../stores/pictures/levels.js";
import { densityText, klOf, lossText, pointText } from "./figures.js";

const RESTS = 400; // milliseconds without another key
const SOURCES = {
  map: "Under the pointer",
  keys: "At the cursor",
  coordinates: "At the sliders",
  path: "On the path",
  samples: "Sample",
  encoder: "mean + sigma · noise",
};

// One of the two images, with its caption.
class Card {
  constructor(figure) {
    this.figure = figure;
    this.image = figure.querySelector("[role=img]");
    [this.drawn, this.real] = figure.querySelectorAll("canvas");
    this.text = figure.querySelector("p");
  }

  // Draws the image at z, and says so to screen readers.
  draw(decoder, z, label) {
    put(this.drawn, imageOf(decoder.greyLevels(decoder.decode(z))));
    this.figure.dataset.z = JSON.stringify([...z]);
    this.image.setAttribute("aria-label", label);
  }

  // The real image, ImageData, or null.
  showReal(image, name) {
    this.real.hidden = !image;
    if (!image) return;
    put(this.real, image);
    this.real.setAttribute("role", "img");
    this.real.setAttribute("aria-label", name);
  }

  // A bold line and others.
  say(title, lines) {
    const bold = document.createElement("b");
    bold.textContent = title;
    const all = [bold, ...lines.filter(Boolean)];
    this.text.replaceChildren(...all.flatMap((line, i) => (i ? [document.createElement("br"), line] : [line])));
  }
}

class LookPanel {
  listeners = new AbortController();
  hovered = { source: null, z: null, real: null }; // the page's last hover event

  constructor(parentElement) {
    this.box = parentElement.querySelector(".look-panel");
    [this.pointer, this.chosen] = [".look-pointer", ".look-chosen"].map(
      (part) => new Card(this.box.querySelector(part)),
    );
    this.spoken = this.box.querySelector(".look-panel-spoken");
    this.source = new MomentDecoder(() => this.draw());
    onHover((hovered) => {
      this.hovered = hovered;
      this.drawPointer();
    }, this.listeners.signal);
  }

  show({ data }) {
    this.data = data;
    this.chosen.figure.hidden = !data.chosen;
    this.source.request(data.decoder, data.timeline);
    this.draw();
  }

  draw() {
    this.drawPointer();
    this.drawChosen();
  }

  drawPointer() {
    const { box, data, pointer } = this;
    const decoder = this.source.value;
    const { source, z, where, chart } = this.hovered;
    const own = data.chart === null || chart === data.chart;
    const real = own ? this.hovered.real : null;
    const size = decoder?.layers[0].inputs;
    const strange = Boolean(z && size && z.length !== size);
    box.toggleAttribute("data-idle", !z);
    box.toggleAttribute("data-strange", strange);
    pointer.showReal(real?.picture, real?.name);
    if (decoder) {
      // The last hovered place stays, as this decoder draws it.
      this.last = [z, this.last].find((each) => each?.length === size) ?? null;
      if (this.last) pointer.draw(decoder, this.last, `Decoded at ${pointText(this.last, data.plane)}`);
      else this.clear();
    }
    const at = z && (own && where ? `z = (${where})` : pointText(z, data.plane));
    if (strange) pointer.say(SOURCES[source] ?? "", [`z with ${z.length} numbers means nothing here, where z has ${size}.`]);
    // A data point near by lies at another z than the pointer, where the image is decoded.
    else if (z) pointer.say(SOURCES[source] ?? "", [at, ...(real ? [`near ${real.name}`, real.figures] : [densityText(z)])]);
    else if (this.last) pointer.say("Pointed at last", [pointText(this.last, data.plane), data.hint]);
    else pointer.say("Pointer", [data.hint]);
    this.speak(source === "keys" && z ? [at, real && `near ${real.name}: ${real.figures}`] : []);
  }

  // Nothing was hovered yet.
  clear() {
    const { drawn, image, figure } = this.pointer;
    [drawn.width, drawn.height] = [1, 1];
    image.setAttribute("aria-label", "Nothing yet");
    delete figure.dataset.z;
  }

  drawChosen() {
    const { data, chosen: card } = this;
    const { moment, value: decoder } = this.source;
    const { chosen, plane } = data;
    if (!chosen || !decoder || decoder.layers[0].inputs !== chosen.z.length) return;
    const { number, title, reconstruction, kl } = chosen;
    const size = chosen.z.length;
    // A test image has another posterior at an earlier moment; its reconstruction loss there is not known.
    const of = (values) => values.subarray(number * size, (number + 1) * size);
    const earlier = number !== null && moment?.mean ? [of(moment.mean), of(moment.logvar)] : null;
    const z = earlier ? [...earlier[0]] : chosen.z;
    card.draw(decoder, z, `Decoded at the chosen ${pointText(z, plane)}`);
    card.showReal(chosen.image && imageOf(bytesOf(chosen.image)), title);
    const losses = number === null ? null : earlier ? lossText(null, klOf(...earlier)) : lossText(reconstruction, kl);
    card.say(title, [pointText(z, plane), densityText(z), losses]);
    card.text.title = z.length > 2 ? `z = (${z.map((value) => value.toFixed(2)).join(", ")})` : "";
  }

  // A screen reader reads the place where the keyboard's cursor rests.
  speak(lines) {
    clearTimeout(this.resting);
    this.spoken.textContent = "";
    const text = lines.filter(Boolean).join(" · ");
    if (text && this.data?.aloud) this.resting = setTimeout(() => (this.spoken.textContent = text), RESTS);
  }

  dispose() {
    clearTimeout(this.resting);
    this.listeners.abort();
    this.source.end();
  }
}

export const show = component("lookPanel", (parentElement) => new LookPanel(parentElement));
