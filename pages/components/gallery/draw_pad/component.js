import { component } from "../../shell/lifecycle.js";

const CLOSEST = 4; // of the pad's 1000 units: nearer points of a stroke are left out

class DrawPad {
  strokes = null; // [x, y, x, y, …] each, in the pad's units
  current = null; // the stroke that is being drawn
  pointer = null; // id of the pointer that draws: a second finger does not

  constructor(parentElement) {
    this.box = parentElement.querySelector(".draw-pad");
    const part = (name) => this.box.querySelector(name);
    [this.canvas, this.hint] = [part("canvas"), part(".draw-pad-hint")];
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, (event) => this.end(event));
    part(".draw-pad-buttons").addEventListener("click", (event) => {
      const { action } = event.target.dataset;
      if (!action || !this.strokes.length) return;
      this.change(action === "undo" ? this.strokes.slice(0, -1) : []);
    });
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(canvas);
  }

  show({ data, setStateValue }) {
    this.strokes ??= data.strokes.map((stroke) => [...stroke]); // later, those on the pad are newer
    Object.assign(this, { data, report: setStateValue });
    this.hint.textContent = data.label;
    this.update();
  }

  begin(event) {
    if (this.pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(this.pointer); // a stroke may leave the pad and come back
    this.current = [];
    this.add(event);
    this.update();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.add(each);
    this.draw();
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    const stroke = this.current;
    [this.pointer, this.current] = [null, null];
    // The browser took the pointer for a gesture of its own: no stroke.
    if (event.type === "pointercancel") this.update();
    else this.change([...this.strokes, stroke]);
  }

  add(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const within = (part) => Math.round(this.data.units * Math.min(Math.max(part, 0), 1));
    const [x, y] = [within((event.clientX - left) / width), within((event.clientY - top) / height)];
    const stroke = this.current;
    const far = Math.hypot(x - stroke.at(-2), y - stroke.at(-1)) >= CLOSEST;
    if (!stroke.length || far) stroke.push(x, y);
  }

  change(strokes) {
    this.strokes = strokes;
    this.update();
    this.report("strokes", strokes);
  }

  // The buttons' state, the text for screen readers, and the drawing.
  update() {
    const { box, canvas, strokes, current, data } = this;
    box.dataset.strokes = strokes.length + (current ? 1 : 0);
    const count = strokes.length === 1 ? "1 stroke" : `${strokes.length} strokes`;
    canvas.setAttribute("aria-label", `${data.label}. ${count} drawn.`);
    // Not `disabled`: a button that was just pressed would lose the keyboard's focus.
    for (const button of box.querySelectorAll("button")) button.setAttribute("aria-disabled", String(!strokes.length));
    this.draw();
  }

  // Draws the strokes at the canvas's own resolution: sharp on every screen.
  draw() {
    const { canvas, strokes, current, data } = this;
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

  dispose() {
    this.resizes.disconnect();
  }
}

export const show = component("drawPad", (parentElement) => new DrawPad(parentElement));
