// Pointer, touch and keyboard on the plot area, as places of the map. Plotly keeps panning, the wheel, the lasso and
// the box; its own click and hover events need a point there.
//
// `on` has the callbacks
//   hover(place)             { x, y, clientX, clientY }, or null outside; at most once a frame
//   click(place)
//   doubleClick()            after the click that was its first half
//   line(from, to, ended)    while a line is drawn, if `on.drawsLines(shift)`: whether shift is held
//   keys(event)
//   pinch(ranges)            of two fingers
//   released()               when a pointer was lifted
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
  let tapped = false; // whether the last touch was a tap
  let pinched = null; // ranges wanted by two fingers
  const fingers = new Map();

  // Not by the event's target: while the pointer is down, that is Plotly's cover over the page.
  const inside = ({ clientX, clientY }) => chart.panelOf(document.elementFromPoint(clientX, clientY)) !== null;
  const placeOf = (event) => view.fromScreen(event);
  const distance = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

  const frame = () => {
    waiting = false;
    if (!view.ready) return;
    const touching = pointer?.pointerType === "touch";
    // Nothing while the map is dragged. A finger hovers while it is down, or where it has tapped.
    const free = touching ? fingers.size === 1 || tapped : pointer?.buttons === 0 || line;
    const hovers = pointer && free && inside(pointer);
    on.hover(hovers ? placeOf(pointer) : null);
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
    if (!view.ready || !inside(event) || event.button !== 0) return;
    if (event.pointerType === "touch") fingers.set(event.pointerId, event);
    tapped = false;
    pressed = event.isPrimary ? event : null;
    if (pressed && chart.mode === "pan" && on.drawsLines(event.shiftKey)) line = placeOf(event);
    later(event);
  });
  // Plotly must not react to gestures of ours: it would zoom, or pan under the finger.
  listen(plot, "mousedown", (event) => {
    if (line) event.stopPropagation();
    if (SELECTING.includes(chart.mode)) chart.ignoreModifiers(event);
  });
  listen(plot, "touchstart", (event) => {
    if (chart.mode === "pan" && chart.panelOf(event.target)) event.stopPropagation();
  });
  // On the window, as Plotly covers the page while the pointer is down.
  listen(window, "pointermove", (event) => {
    if (pressed && distance(event, pressed) >= CLICK_PX) pressed = null;
    if (fingers.has(event.pointerId)) {
      if (fingers.size === 2 && chart.mode === "pan") pinch(event);
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
      if (double) on.doubleClick();
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
    on.released();
  });
  // The pointer left the window; so does a finger that is lifted.
  const left = ({ pointerType }) => pointerType !== "touch" && later(null);
  listen(document.documentElement, "pointerleave", left, { capture: false });
  listen(plot, "wheel", (event) => line && event.stopPropagation(), { passive: true }); // the axes would move
  listen(window, "scroll", () => later(null), { passive: true }); // another place lies under the pointer
  listen(plot, "keydown", on.keys);
  return { again: () => later(pointer) };
}
