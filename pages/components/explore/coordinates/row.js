import { element } from "../../shell/dom.js";

// One coordinate: a slider and a number field with the same value.
export function makeRow({ dimension, name }) {
  const part = (tag, what, attributes = {}) => element(tag, { class: `coordinates-${what}`, ...attributes });
  const label = part("span", "name");
  const slider = part("input", "slider", { type: "range", step: "0.01", "aria-label": `${name} slider` });
  const field = part("input", "field", { type: "number", step: "any", "aria-label": name });
  const note = part("span", "note", { role: "status" });
  const row = element("div", { class: "coordinates-row" }, label, slider, field, note);
  let data = null;
  let furthest = 0;
  let last = 0; // the last number in the field

  // The field's number; NaN if it has none, or one too far out.
  const value = () => {
    const number = field.value === "" ? NaN : Number(field.value); // invalid text is "", too
    return Math.abs(number) <= furthest ? number : NaN;
  };

  const check = () => {
    const wrong = Number.isNaN(value());
    field.setAttribute("aria-invalid", wrong);
    const far = wrong && field.value !== "";
    const most = `At most ±${furthest.toLocaleString("en")}.`;
    note.textContent = wrong ? (far ? most : "This is no number.") : "";
  };

  // Sets the slider; its range holds all test pictures and the value.
  const slide = () => {
    const number = value();
    if (Number.isNaN(number)) return;
    last = number;
    slider.min = Math.min(data.low, Math.floor(number));
    slider.max = Math.max(data.high, Math.ceil(number));
    slider.value = number;
  };

  const reset = () => {
    field.value = data.value;
    slide();
    check();
  };

  // Whether the value is the chosen one, compared as float32.
  const same = () => Math.fround(value()) === Math.fround(data.value);

  slider.addEventListener("input", () => {
    last = field.value = Number(slider.value);
    check();
  });
  field.addEventListener("input", () => {
    slide();
    check();
  });
  slider.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // some browsers would also submit
    slider.form.requestSubmit();
  });

  const update = (newer, limit) => {
    [data, furthest] = [newer, limit];
    label.replaceChildren(name, element("small", {}, ` KL ${data.kl}`));
    label.title = `Mean KL over the test pictures, ${data.kl} nats: how much this dimension encodes.`;
  };

  return { element: row, dimension, name, value, last: () => last, same, update, reset };
}
