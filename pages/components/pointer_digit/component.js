const AWAY = 20; // pixels between the pointer and the picture

function draw(state) {
  const { box, canvas, data, decoder, event } = state;
  state.waiting = false;
  const chart = event && document.querySelector(`[data-live-figure="${data.figure}"] .js-plotly-plot`);
  // Not the event's target: while the pointer is down, that is Plotly's cover.
  const under = event && document.elementFromPoint(event.clientX, event.clientY);
  const over = chart?.contains(under) && under.closest(".nsewdrag"); // the plot area
  box.hidden = !(over && decoder && event.buttons === 0); // nothing while the map is dragged
  if (box.hidden) return;
  const { left, top } = chart.getBoundingClientRect();
  const { xaxis, yaxis } = chart._fullLayout;
  const shown = [
    xaxis.p2d(event.clientX - left - xaxis._offset),
    yaxis.p2d(event.clientY - top - yaxis._offset),
  ].slice(0, data.place.length);
  const z = [...shown, ...data.place.slice(shown.length)];
  const image = decoder.imageOf(decoder.decode(z), state.image);
  state.image = image;
  if (canvas.width !== image.width) [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
  box.dataset.z = JSON.stringify(z);
  state.text.textContent = shown.map((value) => value.toFixed(2).replace("-", "−")).join(", ");
  // Above the pointer on its right; where there is no room, on the other side.
  const { width, height } = box.getBoundingClientRect();
  const right = event.clientX + AWAY + width < innerWidth;
  const above = event.clientY - AWAY - height > 0;
  box.style.left = `${right ? event.clientX + AWAY : event.clientX - AWAY - width}px`;
  box.style.top = `${above ? event.clientY - AWAY - height : event.clientY + AWAY}px`;
}

function mount(parentElement) {
  const box = parentElement.querySelector(".pointer-digit");
  const state = { box, canvas: box.querySelector("canvas"), text: box.querySelector("span") };
  const listeners = new AbortController();
  const listen = (target, type, handler) =>
    target.addEventListener(type, handler, { signal: listeners.signal, capture: true, passive: true });
  // At most once a frame, however often a mouse reports.
  state.redraw = (event) => {
    state.event = event;
    if (state.waiting) return;
    state.waiting = true;
    requestAnimationFrame(() => draw(state));
  };
  for (const type of ["pointermove", "pointerdown", "pointerup"]) listen(window, type, state.redraw);
  listen(document, "pointerleave", () => state.redraw(null));
  listen(window, "scroll", () => state.redraw(null)); // what lies under a pointer that rests is another
  state.dispose = () => {
    listeners.abort();
    delete parentElement.pointerDigit;
  };
  return state;
}

// Runs again whenever the data or the theme changes.
export default function ({ data, parentElement }) {
  const state = (parentElement.pointerDigit ??= mount(parentElement));
  state.data = data;
  if (state.named !== data.decoder) {
    state.named = data.decoder;
    state.decoder = null;
    decoders()
      .get(data.decoder)
      .then(
        (decoder) => {
          if (state.named !== data.decoder) return; // another has been asked for meanwhile
          state.decoder = decoder;
          state.box.dataset.ready = data.decoder;
          state.redraw(state.event); // for a pointer that rests
        },
        () => {
          if (state.named === data.decoder) state.named = null; // the next may be whole; the store says what is wrong
        },
      );
  }
  return () => parentElement.isConnected || state.dispose();
}
