import { onClick } from "./clicks.js";
import { Cursor } from "./moment_cursor.js";
import { hasWebGL, loadPlotly, themeTemplate } from "./plotly.js";

// The height is set before Plotly has loaded, so that the page does not jump.
function fit({ box, data }) {
  const narrow = data.narrow && box.offsetWidth < data.narrow.width ? data.narrow : null;
  box.style.setProperty("--live-figure-height", `${(narrow ?? data).height}px`);
  return narrow?.layout ?? {};
}

// Figures wait while one is drawn, while the pointer drags (the axes would move under it),
// and while the chart is hidden, as in a closed tab; only the newest is kept.
async function draw(state) {
  state.waiting = true;
  if (state.drawing) return;
  state.drawing = true;
  const { chart, box, note } = state;
  try {
    state.Plotly = await loadPlotly(state.data.plotly);
    while (state.waiting && !state.gone && !chart._dragging && box.offsetWidth) {
      state.waiting = false;
      const template = themeTemplate(box);
      const narrow = fit(state);
      const news = [state.data.figure, chart.offsetWidth, chart.offsetHeight, JSON.stringify(template)];
      if (news.every((part, i) => part === state.drawn?.[i])) continue;
      chart.hidden = false;
      const { data, layout } = JSON.parse(state.data.figure); // anew, as Plotly writes into it
      for (const [name, part] of Object.entries(narrow)) layout[name] = { ...layout[name], ...part };
      const heavy = data.filter((trace) => trace.type === "scattergl");
      const slow = heavy.length > 0 && !hasWebGL();
      if (slow) heavy.forEach((trace) => (trace.type = "scatter"));
      note.textContent = slow ? "This browser has no WebGL: the map is drawn more slowly." : "";
      delete layout.width;
      delete layout.height;
      // Where axes are tied, `react` returns to the ranges of the first figure (plotly.js 4.1.1).
      for (const axis of Object.values(chart._fullLayout ?? {})) if (axis?._inputRange) delete axis._inputRange;
      await state.Plotly.react(
        chart,
        data,
        { ...layout, autosize: true, template },
        {
          displaylogo: false,
          showTips: false, // boxes in colours of their own, over what stands above
          showSendToCloud: false, // on by default: it offers to upload the chart
          modeBarButtonsToRemove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
        },
      );
      state.drawn = news;
      state.follow();
      box.dataset.revision = Number(box.dataset.revision ?? 0) + 1;
      box.dataset.ready = "true";
    }
  } catch (error) {
    state.drawn = null;
    chart.hidden = !box.dataset.ready;
    note.textContent = `This chart cannot be drawn. ${error.message}. Reload the page to try again.`;
  }
  state.drawing = false;
}

function mount(parentElement) {
  const box = parentElement.querySelector(".live-figure");
  const chart = box.querySelector(".live-figure-chart");
  const state = { box, chart, note: box.querySelector(".live-figure-note") };
  const listeners = new AbortController();
  const { signal } = listeners;
  onClick(
    chart,
    (place) => {
      state.cursor?.click(place);
      const { x, y } = place;
      const single = chart._fullLayout._subplots.cartesian.join() === "xy"; // else nobody knows whose x it is
      if (single) state.report("clicked", { x, y });
    },
    signal,
  );
  // Once Plotly has ended the drag.
  const released = () => state.waiting && setTimeout(() => draw(state));
  window.addEventListener("pointerup", released, { signal, capture: true });

  // Not Plotly's `responsive`: it sees the window change, but not the sidebar.
  const resizes = new ResizeObserver(() => draw(state));
  resizes.observe(box);

  // Once there is a figure, whose axes say where the line is.
  state.follow = () => {
    if (!state.data.cursor || !chart._fullLayout) return;
    const { timeline, x } = state.data.cursor;
    if (!state.cursor) {
      state.cursor = new Cursor(box, chart, timeline);
      chart.on("plotly_afterplot", () => state.cursor.draw());
      chart.on("plotly_relayouting", () => state.cursor.draw());
    }
    state.cursor.follow(x);
  };

  state.dispose = () => {
    state.gone = true;
    state.cursor?.dispose();
    listeners.abort();
    resizes.disconnect();
    state.Plotly?.purge(chart);
    delete parentElement.liveFigure;
  };
  return state;
}

// Runs again whenever the data or the theme changes.
export function show({ data, parentElement, setTriggerValue }) {
  const state = (parentElement.liveFigure ??= mount(parentElement));
  state.data = data;
  state.report = setTriggerValue;
  state.box.dataset.chart = data.key;
  state.box.setAttribute("aria-label", data.label);
  fit(state);
  state.follow();
  draw(state);
  // Streamlit also calls this for a run that a newer one has overtaken, with the chart still there.
  return () => parentElement.isConnected || state.dispose();
}
