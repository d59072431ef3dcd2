// Pointer, finger and keyboard over the plot area, as places of the map. Plotly keeps panning, the wheel, the
// lasso and the box; its own events of clicks and hovers know only points.
//
// `on` is told: `look(place)`, { x, y, clientX, clientY } or null, at most once a frame; `click(place)`;
// `twice()`, when the click before was the first half of a double click; `line(from, to, ended)` while a line
// is drawn with shift held, if `on.lines()`; `keys(event)`; `pinch(ranges)` of two fingers; `released()` after
// any of it.
import { widened } from "../view.js";

const CLICK_PX = 5; // a pointer that moves further than this drags
const TWICE_MS = 300; // Plotly's own delay of a double click
const SELECTING = ["select", "lasso"]; // modes

export function listenTo(plot, view, on, signal) {
  const { chart } = view;
  let pointer = null; // the last event
  let waiting = false; // for a frame
  let pressed = null;
  let line = null;
  let last = null; // click
  let tapped = false; // the last that a finger did
  let pinched = null; // ranges that two fingers want
  const fingers = new Map();

  const area = (event) => {
    // Not the event's target: while the pointer is down, that is Plotly's cover.
    const under = document.elementFromPoint(event.clientX, event.clientY);
    return chart._fullLayout && chart.contains(under) && under.closest(".nsewdrag");
  };
  const mode = () => chart._fullLayout?.dragmode;
  const placeOf = (event) => view.fromScreen(event);
  const distance = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

  const frame = () => {
    waiting = false;
    if (!chart._fullLayout) return;
    const touching = pointer?.pointerType === "touch";
    // Nothing while the map is dragged. A finger looks while it is down, or where it has tapped.
    const free = touching ? fingers.size === 1 || tapped : pointer?.buttons === 0 || line;
    const looking = pointer && free && area(pointer);
    on.look(looking ? placeOf(pointer) : null);
    if (line && pointer) on.line(line, placeOf(pointer), false);
    if (pinched) on.pinch(pinched);
    pinched = null;
  };
  const later = (event) => {
    pointer = event;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(frame);
  };

  const pinch = (event) => {
    const [one, other] = [...fingers.values()];
    const still = one.pointerId === event.pointerId ? other : one;
    const before = fingers.get(event.pointerId);
    const zoom = distance(before, still) / Math.max(distance(event, still), 1);
    const fixed = placeOf(still);
    const [x, y] = pinched ?? view.ranges; // several moves may come in one frame
    pinched = [widened(x, fixed.x, zoom), widened(y, fixed.y, zoom)];
  };

  const listen = (target, type, handler, options) =>
    target.addEventListener(type, handler, { signal, capture: true, ...options });
  listen(plot, "pointerdown", (event) => {
    if (!area(event) || event.button !== 0) return;
    if (event.pointerType === "touch") fingers.set(event.pointerId, event);
    tapped = false;
    pressed = event.isPrimary ? event : null;
    if (pressed && event.shiftKey && mode() === "pan" && on.lines()) line = placeOf(event);
    later(event);
  });
  // What is ours must not reach Plotly: it would zoom, or pan under the finger.
  listen(plot, "mousedown", (event) => {
    if (line) event.stopPropagation();
    if (!SELECTING.includes(mode())) return;
    // With these held it would add to the selection, or take away from it; what is told is this area alone.
    for (const key of ["shiftKey", "altKey"]) Object.defineProperty(event, key, { value: false });
  });
  listen(plot, "touchstart", (event) => {
    if (mode() === "pan" && event.target.closest(".nsewdrag")) event.stopPropagation();
  });
  // On the window, as Plotly covers the page while the pointer is down.
  listen(window, "pointermove", (event) => {
    if (pressed && distance(event, pressed) >= CLICK_PX) pressed = null;
    if (fingers.has(event.pointerId)) {
      if (fingers.size === 2 && mode() === "pan") pinch(event);
      fingers.set(event.pointerId, event);
    }
    later(event);
  });
  listen(window, "pointerup", (event) => {
    fingers.delete(event.pointerId);
    const drawn = line;
    line = null;
    if (drawn && !pressed) on.line(drawn, placeOf(event), true);
    else if (drawn) on.line(null);
    if (pressed) {
      const double = last && event.timeStamp - last.timeStamp < TWICE_MS && distance(event, last) < CLICK_PX;
      last = double ? null : event;
      tapped = event.pointerType === "touch";
      if (double) on.twice();
      else on.click(placeOf(event));
    }
    pressed = null;
    later(event);
    on.released();
  });
  listen(window, "pointercancel", (event) => {
    fingers.delete(event.pointerId);
    [pressed, line] = [null, null];
    on.line(null);
    later(event);
  });
  // Of the window; a finger that is lifted leaves it, too.
  const left = ({ pointerType }) => pointerType !== "touch" && later(null);
  listen(document.documentElement, "pointerleave", left, { capture: false });
  listen(plot, "wheel", (event) => line && event.stopPropagation(), { passive: true }); // the axes would move
  listen(window, "scroll", () => later(null), { passive: true }); // another place lies under the pointer
  listen(plot, "keydown", on.keys);
  return { again: () => later(pointer) };
}
