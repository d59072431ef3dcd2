import { component } from "../../shell/lifecycle.js";
import { emitHover } from "../../shell/hover_event.js";
import { makeRow } from "./row.js";

// Shows a place on the page's other components, at most once a frame; null ends that.
function emit(state, z) {
  state.z = z;
  if (state.waiting) return;
  state.waiting = true;
  requestAnimationFrame(() => {
    state.waiting = false;
    if (!state.gone) emitHover("coordinates", state.z);
  });
}

// One number of each row in the order of the dimensions, which is not that of the rows.
function placeOf(rows, number) {
  const z = Array(rows.length);
  for (const row of rows) z[row.dimension] = number(row);
  return z;
}

// The place in the fields, or null if one of them holds no valid number.
function validPlace({ rows }) {
  const z = placeOf(rows, ({ value }) => value());
  return z.every(Number.isFinite) ? z : null;
}

function check({ form, changed, ...state }) {
  form.querySelector('[data-action="pin"]').disabled = !validPlace(state);
  const wrong = state.rows.find(({ value }) => Number.isNaN(value()));
  form.querySelector(".coordinates-status").textContent = wrong ? `Look at ${wrong.name}.` : "";
  form.querySelector('[data-action="back"]').disabled = !changed;
}

// Sets all rows back to the chosen place.
function reset(state) {
  for (const row of state.rows) row.reset();
  if (state.changed) emit(state, null);
  state.changed = false;
  check(state);
}

function makeForm(parentElement) {
  const state = { form: parentElement.querySelector("form"), rows: [], text: "", changed: false };
  state.form.addEventListener("input", () => {
    state.changed = true;
    check(state);
    emit(state, placeOf(state.rows, ({ last }) => last())); // a field without a number keeps its last one
  });
  state.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const z = validPlace(state);
    if (z) state.report("pinned", { z });
    if (state.rows.every((row) => row.same())) reset(state); // the next run sends the same data, which would reset nothing
  });
  state.form.querySelector('[data-action="back"]').addEventListener("click", () => reset(state));
  state.show = ({ data, setTriggerValue }) => {
    state.report = setTriggerValue;
    update(state, data);
  };
  state.dispose = () => {
    if (state.changed) emitHover("coordinates", null);
    state.gone = true;
  };
  return state;
}

// Shows other data; changed fields stay until another place is chosen.
function update(state, data) {
  const text = JSON.stringify(data);
  if (text === state.text) return;
  state.text = text;
  const order = data.rows.map(({ dimension }) => dimension).join();
  if (order !== state.order) {
    state.order = order;
    state.rows = data.rows.map(makeRow);
    const rows = state.form.querySelector(".coordinates-rows");
    rows.replaceChildren(...state.rows.map(({ element }) => element));
    state.chosen = null;
  }
  data.rows.forEach((row, i) => state.rows[i].update(row, data.furthest));
  const chosen = data.rows.map(({ value }) => value).join();
  if (chosen !== state.chosen || !state.changed) reset(state);
  state.chosen = chosen;
}

export const show = component("coordinates", makeForm);
