import { Awaited } from "../../stores/registry/awaited.js";
import { decoders } from "../../stores/registry/registry.js";
import { onHover, placeText } from "../../shell/hover_event.js";
import { timeline } from "../../stores/moments/timeline.js";
import { imageOf, put } from "../../stores/pictures/levels.js";

const RESTS = 400; // milliseconds without another key

function mount(parentElement) {
  const box = parentElement.querySelector(".look-panel");
  const [pictures, text, said] = box.children;
  const [drawn, other] = pictures.children;
  const state = { listeners: new AbortController(), look: { source: null, z: null, real: null }, chart: null };

  // Who moves the cursor by keys may not see it: what it rests on is read out.
  function read(source) {
    clearTimeout(state.resting);
    said.textContent = "";
    const say = () => (said.textContent = text.textContent);
    if (source === "keys" && state.aloud) state.resting = setTimeout(say, RESTS);
  }

  state.show = () => {
    const { source, z, where } = state.look;
    const own = state.chart === null || state.look.chart === state.chart;
    const real = own ? state.look.real : null;
    box.toggleAttribute("data-idle", !z);
    other.hidden = !real;
    const decoder = state.awaited.value && (state.seen?.scene?.loaded.decoder ?? state.awaited.value);
    state.drawn = decoder;
    const size = decoder?.layers[0].inputs;
    if (decoder) {
      // What was looked at last stays, as this decoder draws it; at first the middle, not a hole.
      state.last = [z, state.last].find((each) => each?.length === size) ?? null;
      const drawing = state.last ?? Array(size).fill(0);
      put(drawn, imageOf(decoder.greyLevels(decoder.decode(drawing))));
      box.dataset.z = JSON.stringify(drawing);
    }
    if (real) put(other, real.picture);
    const idle = `${state.last ? "What was looked at last." : "The middle, z = 0."} ${state.hint}`;
    const strange = z && size && z.length !== size;
    const meaningless = `A place of ${z?.length} numbers means nothing here, where z has ${size}.`;
    const named = [z && placeText(z, own ? where : null), real && `${real.name}: ${real.figures}`];
    const parts = z && (strange ? [meaningless] : named);
    box.toggleAttribute("data-strange", Boolean(strange));
    text.textContent = parts ? parts.filter(Boolean).join(" · ") : idle;
    const what = z ? "What the model draws at the place that is looked at" : "Nothing yet";
    pictures.setAttribute("aria-label", what);
    read(z && source);
  };
  const hear = (look) => {
    state.look = look;
    state.show();
  };
  state.awaited = new Awaited(decoders(), () => state.show());
  onHover(hear, state.listeners.signal);
  // Told once which timeline is followed.
  state.follow = (name) => {
    if (!name || state.seen) return;
    state.seen = timeline(name);
    const turned = () => state.drawn === (state.seen.scene?.loaded.decoder ?? state.awaited.value) || state.show();
    state.seen.addEventListener("change", turned, { signal: state.listeners.signal });
  };
  state.dispose = () => {
    clearTimeout(state.resting);
    state.listeners.abort();
    state.awaited.end();
    delete parentElement.lookPanel;
  };
  return state;
}

// Runs again whenever the data or the theme changes.
export function show({ data, parentElement }) {
  const state = (parentElement.lookPanel ??= mount(parentElement));
  state.aloud = data.aloud;
  state.chart = data.chart;
  state.follow(data.timeline);
  if (state.hint !== data.hint) {
    state.hint = data.hint;
    state.show();
  }
  state.awaited.ask(data.decoder);
  return () => parentElement.isConnected || state.dispose();
}
