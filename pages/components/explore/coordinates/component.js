import { component } from "../../shell/lifecycle.js";
import { emitHover } from "../../shell/hover_event.js";
import { makeRow } from "./row.js";

// One number of each row in the order of the dimensions, which is not that of the rows.
function placeOf(rows, number) {
  const z = Array(rows.length);
  for (const row of rows) z[row.dimension] = number(row);
  return z;
}

class Coordinates {
  frame = null;
  rows = [];
  text = ""; // the data that is shown, as JSON
  changed = false; // whether a person has changed a field of the chosen place

  constructor(parentElement) {
    this.form = parentElement.querySelector("form");
    const part = (name) => this.form.querySelector(name);
    [this.pin, this.back] = ["pin", "back"].map((action) => part(`[data-action="${action}"]`));
    this.status = part(".coordinates-status");
    this.form.addEventListener("input", () => {
      this.changed = true;
      this.check();
      this.emit(placeOf(this.rows, ({ last }) => last())); // a field without a number keeps its last one
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const z = this.validPlace;
      if (z) this.report("pinned", { z });
      if (this.rows.every((row) => row.same())) this.reset(); // the next run sends the same data, which would reset nothing
    });
    this.back.addEventListener("click", () => this.reset());
  }

  // Changed fields stay until another place is chosen.
  show({ data, setTriggerValue }) {
    this.report = setTriggerValue;
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    const order = data.rows.map(({ dimension }) => dimension).join();
    if (order !== this.order) {
      this.order = order;
      this.rows = data.rows.map(makeRow);
      this.form.querySelector(".coordinates-rows").replaceChildren(...this.rows.map(({ element }) => element));
      this.chosen = null;
    }
    data.rows.forEach((row, i) => this.rows[i].update(row, data.furthest));
    const chosen = data.rows.map(({ value }) => value).join();
    if (chosen !== this.chosen || !this.changed) this.reset();
    this.chosen = chosen;
  }

  // The place in the fields, or null if one of them holds no valid number.
  get validPlace() {
    const z = placeOf(this.rows, ({ value }) => value());
    return z.every(Number.isFinite) ? z : null;
  }

  check() {
    this.pin.disabled = !this.validPlace;
    const wrong = this.rows.find(({ value }) => Number.isNaN(value()));
    this.status.textContent = wrong ? `Look at ${wrong.name}.` : "";
    this.back.disabled = !this.changed;
  }

  // Sets all rows back to the chosen place.
  reset() {
    for (const row of this.rows) row.reset();
    if (this.changed) this.emit(null);
    this.changed = false;
    this.check();
  }

  // Shows a place on the page's other components, at most once a frame; null ends that.
  emit(z) {
    this.z = z;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      emitHover("coordinates", this.z);
    });
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    if (this.changed) emitHover("coordinates", null);
  }
}

export const show = component("coordinates", (parentElement) => new Coordinates(parentElement));
