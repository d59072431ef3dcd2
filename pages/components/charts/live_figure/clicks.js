// Clicks on the panels of a chart of Plotly's, whose own events know only points: the place is computed from pixels,
// by the axes.
const CLICK_PX = 5; // a pointer that moves further than this drags
const TWICE_MS = 300; // Plotly's own delay of a double click

// `clicked` is told { x, y, twice }: where on its panel's axes, and whether the click before was the first half of a
// double click.
export function onClick(chart, clicked, signal) {
  let pressed = null;
  let last = null; // click
  const far = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) >= CLICK_PX;
  const listen = (target, type, handler) => target.addEventListener(type, handler, { signal, capture: true });

  listen(chart, "pointerdown", (event) => {
    const panel = event.target.closest(".nsewdrag"); // the plot area: no legend, modebar, axis
    const { clientX, clientY, isPrimary, button } = event;
    pressed = panel && isPrimary && button === 0 ? { clientX, clientY, name: panel.dataset.subplot } : null;
  });
  // On the window, as Plotly covers the page while the pointer is down.
  listen(window, "pointermove", (event) => {
    if (pressed && far(event, pressed)) pressed = null;
  });
  listen(window, "pointercancel", () => (pressed = null));
  listen(window, "pointerup", (event) => {
    const plot = pressed && chart._fullLayout?._plots[pressed.name];
    pressed = null;
    if (!plot) return;
    const twice = Boolean(last) && event.timeStamp - last.timeStamp < TWICE_MS && !far(event, last);
    last = twice ? null : event;
    const { left, top } = chart.getBoundingClientRect();
    const { xaxis, yaxis } = plot;
    const x = xaxis.p2d(event.clientX - left - xaxis._offset);
    const y = yaxis.p2d(event.clientY - top - yaxis._offset);
    if (Number.isFinite(x) && Number.isFinite(y)) clicked({ x, y, twice });
  });
}
