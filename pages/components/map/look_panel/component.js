import { component } from "../../shell/lifecycle.js";
import { onHover, placeText } from "../../shell/hover_event.js";
import { timeline } from "../../stores/moments/timeline.js";
import { imageOf, put } from "../../stores/pictures/levels.js";
import { Awaited } from "../../stores/registry/awaited.js";
import { decoders } from "../../stores/registry/registry.js";

const RESTS = 400; // milliseconds without another key

class LookPanel {
  listeners = new AbortController();
  hovered = { source: null, z: null, real: null }; // the page's last hover event

  constructor(parentElement) {
    this.box = parentElement.querySelector(".look-panel");
    [this.pictures, this.text, this.spoken] = this.box.children;
    this.awaited = new Awaited(decoders(), () => this.draw());
    onHover((hovered) => {
      this.hovered = hovered;
      this.draw();
    }, this.listeners.signal);
  }

  show({ data }) {
    const changed = this.data?.hint !== data.hint;
    this.data = data;
    this.follow(data.timeline);
    if (changed) this.draw();
    this.awaited.request(data.decoder);
  }

  // The same timeline as long as the panel exists.
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
    const { box, data, decoder } = this;
    const { source, z, where, chart } = this.hovered;
    const [picture, other] = this.pictures.children;
    const own = data.chart === null || chart === data.chart;
    const real = own ? this.hovered.real : null;
    box.toggleAttribute("data-idle", !z);
    other.hidden = !real;
    this.drawn = decoder;
    const size = decoder?.layers[0].inputs;
    if (decoder) {
      // The last hovered place stays, as this decoder draws it; at first z = 0, so that there is a picture.
      this.last = [z, this.last].find((each) => each?.length === size) ?? null;
      const shown = this.last ?? Array(size).fill(0);
      put(picture, imageOf(decoder.greyLevels(decoder.decode(shown))));
      box.dataset.z = JSON.stringify(shown);
    }
    if (real) put(other, real.picture);
    const strange = Boolean(z && size && z.length !== size);
    box.toggleAttribute("data-strange", strange);
    this.text.textContent = this.textOf(z, own ? where : null, real, strange && size);
    const label = z ? "What the model draws at the place that is looked at" : "Nothing yet";
    this.pictures.setAttribute("aria-label", label);
    this.speak(z && source);
  }

  // `size` is the number of dimensions if z has another one, else false.
  textOf(z, where, real, size) {
    const idle = this.last ? "What was looked at last." : "The middle, z = 0.";
    if (!z) return `${idle} ${this.data.hint}`;
    if (size) return `A place of ${z.length} numbers means nothing here, where z has ${size}.`;
    return [placeText(z, where), real && `${real.name}: ${real.figures}`].filter(Boolean).join(" · ");
  }

  // A screen reader reads the place where the keyboard's cursor rests.
  speak(source) {
    clearTimeout(this.resting);
    this.spoken.textContent = "";
    if (source !== "keys" || !this.data?.aloud) return;
    this.resting = setTimeout(() => (this.spoken.textContent = this.text.textContent), RESTS);
  }

  dispose() {
    clearTimeout(this.resting);
    this.listeners.abort();
    this.awaited.end();
  }
}

export const show = component("lookPanel", (parentElement) => new LookPanel(parentElement));
