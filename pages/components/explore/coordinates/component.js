import { emitHover } from "../../shell/hover_event.js";
import { makeRow } from "./row.js";

// At most once a frame, however often a slider reports.
function look(state, z) {
  state.z = z;
  if (state.waiting) return;
  state.waiting = true;
  requestAnimationFrame(() => {
    state.waiting = false;
    if (!state.gone) emitHover("coordinates", state.z);
  });
}

// What is set. Rows have an order of their own.
function placeOf(rows, number) {
  const z = Array(rows.length);
  for (const row of rows) z[row.dimension] = number(row);
  return z;
}

// The same, or null if it is no place.
function usable({ rows }) {
  const z = placeOf(rows, ({ value }) => value());
  return z.every(Number.isFinite) ? z : null;
}

function check({ form, changed, ...state }) {
  form.querySelector('[data-action="pin"]').disabled = !usable(state);
  const wrong = state.rows.find(({ value }) => Number.isNaN(value()));
  form.querySelector(".coordinates-why").textContent = wrong ? `Look at ${wrong.name}.` : "";
  form.querySelector('[data-action="back"]').disabled = !changed;
}

// Back to the chosen place.
function reset(state) {
  for (const row of state.rows) row.reset();
  if (state.changed) look(state, null);
  state.changed = false;
  check(state);
}

function mount(parentElement) {
  const state = { form: parentElement.querySelector("form"), rows: [], text: "", changed: false };
  state.form.addEventListener("input", () => {
    state.changed = true;
    check(state);
    look(state, placeOf(state.rows, ({ last }) => last())); // a field without a number holds no other up
  });
  state.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const z = usable(state);
    if (z) state.report("pinned", { z });
    if (state.rows.every((row) => row.same())) reset(state); // the next run brings nothing new
  });
  state.form.querySelector('[data-action="back"]').addEventListener("click", () => reset(state));
  state.dispose = () => {
    if (state.changed) emitHover("coordinates", null);
    state.gone = true;
    delete parentElement.coordinates;
  };
  return state;
}

// Runs again whenever the data or the theme changes: what was set stays, as long as the chosen place does.
export function show({ data, parentElement, setTriggerValue }) {
  const state = (parentElement.coordinates ??= mount(parentElement));
  state.report = setTriggerValue;
  const text = JSON.stringify(data);
  if (text !== state.text) {
    state.text = text;
    const order = data.rows.map(({ dimension }) => dimension).join();
    if (order !== state.order) {
      state.order = order;
      state.rows = data.rows.map(makeRow);
      const rows = state.form.querySelector(".coordinates-rows");
      rows.replaceChildren(...state.rows.map(({ element }) => element));
      state.chosen = null;
    }
    data.rows.forEach((row, i) => state.rows[i].follow(row, data.furthest));
    const chosen = data.rows.map(({ value }) => value).join();
    if (chosen !== state.chosen || !state.changed) reset(state);
    state.chosen = chosen;
  }
  return () => parentElement.isConnected || state.dispose();
}
