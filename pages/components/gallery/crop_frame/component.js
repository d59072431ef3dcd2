import { component } from "../../shell/lifecycle.js";

// Which of left, top, right and bottom a drag changes: all of them inside the frame.
const PARTS = { nw: [1, 1, 0, 0], ne: [0, 1, 1, 0], sw: [1, 0, 0, 1], se: [0, 0, 1, 1], inside: [1, 1, 1, 1] };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEY_STEP = 10; // units
const KEY_PAUSE = 400; // ms without a key before the frame is reported

class CropFrame {
  drag = null; // the pointer, its place at the start, the edges then, and which of them it changes

  constructor(parentElement) {
    this.frame = parentElement.querySelector(".crop-frame");
    [this.image, this.box] = [this.frame.querySelector("img"), this.frame.querySelector(".crop-frame-box")];
    const { box } = this;
    box.addEventListener("pointerdown", (event) => this.begin(event));
    box.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) box.addEventListener(type, (event) => this.end(event));
    box.addEventListener("keydown", (event) => this.press(event));
  }

  show({ data, setStateValue }) {
    if (this.data?.picture !== data.picture) {
      this.edges = [...data.edges]; // later, those in the browser are newer
      this.image.src = data.url;
    }
    Object.assign(this, { data, report: setStateValue });
    this.update();
  }

  begin(event) {
    if (this.drag || event.button !== 0) return;
    const part = PARTS[event.target.dataset.corner ?? "inside"];
    this.drag = { pointer: event.pointerId, x: event.clientX, y: event.clientY, edges: this.edges, part };
    this.box.setPointerCapture(event.pointerId);
  }

  move(event) {
    const { drag } = this;
    if (event.pointerId !== drag?.pointer) return;
    const { width, height } = this.image.getBoundingClientRect();
    const across = (this.data.units * (event.clientX - drag.x)) / width;
    const down = (this.data.units * (event.clientY - drag.y)) / height;
    this.change(drag.edges, drag.part, across, down);
  }

  end(event) {
    if (event.pointerId !== this.drag?.pointer) return;
    const before = this.drag.edges;
    this.drag = null;
    if (this.edges !== before) this.send();
  }

  // The arrow keys move the frame, with Shift its lower right corner.
  press(event) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.change(this.edges, event.shiftKey ? PARTS.se : PARTS.inside, KEY_STEP * arrow[0], KEY_STEP * arrow[1]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), KEY_PAUSE);
  }

  // Moves edges by `across` and `down` units: no farther than the picture, and not nearer than the least size.
  change(edges, part, across, down) {
    const { units, least } = this.data;
    const moved = [...edges];
    for (const [low, way] of [[0, across], [1, down]]) {
      const high = low + 2;
      const [first, last] = [part[low], part[high]];
      const most = last ? units - edges[high] : edges[high] - least - edges[low];
      const fewest = first ? -edges[low] : edges[low] + least - edges[high];
      const step = Math.round(Math.min(Math.max(way, fewest), most));
      moved[low] += first * step;
      moved[high] += last * step;
    }
    this.edges = moved;
    this.update();
  }

  update() {
    const [left, top, right, bottom] = this.edges.map((edge) => (100 * edge) / this.data.units);
    Object.assign(this.box.style, {
      left: `${left}%`,
      top: `${top}%`,
      width: `${right - left}%`,
      height: `${bottom - top}%`,
    });
    const place = `from ${Math.round(left)} to ${Math.round(right)} % across, ${Math.round(top)} to ${Math.round(bottom)} % down`;
    this.box.setAttribute("aria-label", `${this.data.label}: ${place}. Arrow keys move it, with Shift they resize it.`);
  }

  send() {
    this.report("frame", { picture: this.data.picture, edges: this.edges });
  }

  dispose() {
    clearTimeout(this.timer);
  }
}

export const show = component("cropFrame", (parentElement) => new CropFrame(parentElement));
