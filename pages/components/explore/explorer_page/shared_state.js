// What all maps of the page have in common: colours, layers, pins and, of two runs, the epoch.
import { element } from "../../shell/dom.js";
import { PinRow } from "./pin_row.js";

const LAYERS = { points: "points", manifold: "decoded grid", ellipses: "ellipses", prior: "prior" };

export class SharedState {
  row = new PinRow();
  explorers = []; // in the order of the places of a pin

  constructor({ explorers, colourings, layers, same_set: sameSet }) {
    this.several = explorers.length > 1;
    this.linked = this.several; // whether both time sliders show the same epoch
    this.look = { colouring: colourings[0], layers };
    this.sameSet = sameSet; // whether a test image of one run is also one of the other
    const boxes = Object.entries(LAYERS).map(([layer, name]) => this.layer(layer, name));
    this.controls = [this.colours(colourings), ...boxes, ...(this.several ? [this.link()] : [])];
  }

  colours(colourings) {
    const select = element("select", { "aria-label": "Colour by" }, ...colourings.map(({ name }) => element("option", {}, name)));
    select.onchange = () => {
      this.look.colouring = colourings[select.selectedIndex];
      this.update();
    };
    return element("label", {}, "Colour by ", select);
  }

  layer(layer, name) {
    const { look } = this;
    return this.checkbox(name, look.layers.includes(layer), (checked) => {
      look.layers = checked ? [...look.layers, layer] : look.layers.filter((each) => each !== layer);
    });
  }

  link() {
    return this.checkbox("Both at the same epoch", this.linked, (checked) => (this.linked = checked));
  }

  checkbox(name, checked, changed) {
    const box = element("input", { type: "checkbox" });
    box.checked = checked;
    box.onchange = () => {
      changed(box.checked);
      this.update();
    };
    return element("label", {}, box, ` ${name}`);
  }

  // Pins a place z of an explorer, which is the mean of the test image `index`, if that is not null.
  pin(explorer, z, index) {
    this.row = this.row.add(this.explorers.map((each) => (each === explorer ? { z, index } : this.placeOf(each, z, index))));
  }

  // Where another explorer has it, as pages/components/compare/shared_pin.py decides: the same image, or the same z; or null.
  placeOf(explorer, z, index) {
    if (index !== null && this.sameSet) return { z: explorer.meanOf(index), index };
    return z.length === explorer.content.mean.length ? { z, index: null } : null;
  }

  update() {
    for (const each of this.explorers) each.update();
  }

  // Shows everything in the next frame, as the component that reported something is still at work.
  updateLater() {
    this.redraw ??= requestAnimationFrame(() => {
      this.redraw = null;
      this.update();
    });
  }
}
