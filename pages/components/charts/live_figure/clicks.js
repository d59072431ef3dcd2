// Clicks on the panels of a Plotly chart, anywhere on the plot area: Plotly's own click events need a point there.
const CLICK_PX = 5; // a pointer that moves further than this drags
const TWICE_MS = 300; // Plotly's own delay of a double click

// Calls `clicked({ x, y, twice })`: the place in the panel's data coordinates, and whether this was the second half of
// a double click.
export function onClick(chart, clicked, signal) {
  let pressed = null;
  let last = null; // click
  const far = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) >= CLICK_PX;
  const listen = (target, type, handler) => target.addEventListener(type, handler, { signal, capture: true });

  listen(chart.element, "pointerdown", (event) => {
    const panel = chart.panelOf(event.target);
    const { clientX, clientY, isPrimary, button } = event;
    pressed = panel && isPrimary && button === 0 ? { clientX, clientY, panel } : null;
  });
  // On the window, as Plotly covers the page while the pointer is down.
  listen(window, "pointermove", (event) => {
    if (pressed && far(event, pressed)) pressed = null;
  });
  listen(window, "pointercancel", () => (pressed = null));
  listen(window, "pointerup", (event) => {
    const axes = pressed && chart.axes(pressed.panel);
    pressed = null;
    if (!axes) return;
    const twice = Boolean(last) && event.timeStamp - last.timeStamp < TWICE_MS && !far(event, last);
    last = twice ? null : event;
    const { left, top } = chart.element.getBoundingClientRect();
    const x = axes.x.toValue(event.clientX - left - axes.x.offset);
    const y = axes.y.toValue(event.clientY - top - axes.y.offset);
    if (Number.isFinite(x) && Number.isFinite(y)) clicked({ x, y, twice });
  });
}
