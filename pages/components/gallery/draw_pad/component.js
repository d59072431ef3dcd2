import { component } from "../../shell/lifecycle.js";

const CLOSEST = 4; // of the pad's 1000 units: nearer points of a stroke are left out

// Draws the strokes at the canvas's own resolution: sharp on every screen.
function draw({ canvas, strokes, current, data }) {
  const side = Math.round(canvas.clientWidth * window.devicePixelRatio);
  if (!side) return; // hidden, as in a closed tab
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const scale = side / data.units;
  context.fillStyle = context.strokeStyle = "white";
  context.lineWidth = data.pen * side;
  context.lineCap = context.lineJoin = "round";
  context.clearRect(0, 0, side, side);
  for (const stroke of current ? [...strokes, current] : strokes) {
    context.beginPath();
    if (stroke.length === 2) {
      context.arc(stroke[0] * scale, stroke[1] * scale, context.lineWidth / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    for (let i = 0; i < stroke.length; i += 2) context.lineTo(stroke[i] * scale, stroke[i + 1] * scale);
    context.stroke();
  }
}

// The buttons' state, the text for screen readers, and the drawing.
function update(state) {
  const { box, canvas, strokes, current, data } = state;
  box.dataset.strokes = strokes.length + (current ? 1 : 0);
  const count = strokes.length === 1 ? "1 stroke" : `${strokes.length} strokes`;
  canvas.setAttribute("aria-label", `${data.label}. ${count} drawn.`);
  // Not `disabled`: a button that was just pressed would lose the keyboard's focus.
  for (const button of state.buttons) button.setAttribute("aria-disabled", String(!strokes.length));
  draw(state);
}

function makePad(parentElement) {
  const box = parentElement.querySelector(".draw-pad");
  const canvas = box.querySelector("canvas");
  const buttons = box.querySelectorAll("button");
  const state = { box, canvas, buttons };
  let pointer = null; // id of the pointer that draws: a second finger does not

  const change = (strokes) => {
    state.strokes = strokes;
    update(state);
    state.report("strokes", strokes);
  };

  const add = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const within = (part) => Math.round(state.data.units * Math.min(Math.max(part, 0), 1));
    const [x, y] = [within((event.clientX - left) / width), within((event.clientY - top) / height)];
    const stroke = state.current;
    const far = Math.hypot(x - stroke.at(-2), y - stroke.at(-1)) >= CLOSEST;
    if (!stroke.length || far) stroke.push(x, y);
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    event.preventDefault();
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer); // a stroke may leave the pad and come back
    state.current = [];
    add(event);
    update(state);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    (events.length ? events : [event]).forEach(add);
    draw(state);
  });
  const end = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    const stroke = state.current;
    state.current = null;
    // The browser took the pointer for a gesture of its own: no stroke.
    if (event.type === "pointercancel") update(state);
    else change([...state.strokes, stroke]);
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);

  box.querySelector(".draw-pad-buttons").addEventListener("click", (event) => {
    const { action } = event.target.dataset;
    if (!action || !state.strokes.length) return;
    change(action === "undo" ? state.strokes.slice(0, -1) : []);
  });

  const resizes = new ResizeObserver(() => draw(state));
  resizes.observe(canvas);
  state.show = ({ data, setStateValue }) => {
    state.strokes ??= data.strokes.map((stroke) => [...stroke]); // later, those on the pad are newer
    Object.assign(state, { data, report: setStateValue });
    box.querySelector(".draw-pad-hint").textContent = data.label;
    update(state);
  };
  state.dispose = () => resizes.disconnect();
  return state;
}

export const show = component("drawPad", makePad);
