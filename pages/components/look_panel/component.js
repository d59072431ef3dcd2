import { Awaited } from "../stores/awaited.js";
import { decoders } from "../stores/registry.js";
import { onLook, shown } from "../latent_map/look.js";
import { put } from "../pictures/levels.js";

const SHOWN = 4; // coordinates
const RESTS = 400; // milliseconds without another key

function mount(parentElement) {
  const box = parentElement.querySelector(".look-panel");
  const [pictures, text, said] = box.children;
  const [drawn, other] = pictures.children;
  const state = { listeners: new AbortController(), look: { source: null, z: null, real: null } };

  // Who moves the cursor by keys may not see it: what it rests on is read out.
  function read(source) {
    clearTimeout(state.resting);
    said.textContent = "";
    if (source === "keys" && state.aloud) state.resting = setTimeout(() => (said.textContent = text.textContent), RESTS);
  }

  state.show = () => {
    const { source, z, real, where } = state.look;
    box.toggleAttribute("data-idle", !z);
    other.hidden = !real;
    const decoder = state.awaited.value;
    const size = decoder?.layers[0].inputs;
    const drawing = z ?? (state.drawn ? null : Array(size ?? 0).fill(0)); // at first the middle, not a hole
    state.looked ||= z !== null;
    if (decoder && drawing?.length === size) {
      state.drawn = true;
      put(drawn, decoder.imageOf(decoder.decode(drawing)));
      box.dataset.z = JSON.stringify(drawing);
    }
    if (real) put(other, real.picture);
    const more = z?.length > SHOWN ? ", …" : "";
    const place = z && `z = (${where ?? z.slice(0, SHOWN).map((value) => shown(value)).join(", ") + more})`;
    const idle = `${state.looked ? "What was looked at last." : "The middle, z = 0."} ${state.hint}`;
    text.textContent = z ? [place, real && `${real.name}: ${real.figures}`].filter(Boolean).join(" · ") : idle;
    pictures.setAttribute("aria-label", z ? "What the model draws at the place that is looked at" : "Nothing yet");
    read(z && source);
  };
  const hear = (look) => {
    state.look = look;
    state.show();
  };
  state.awaited = new Awaited(decoders(), () => state.show());
  onLook(hear, state.listeners.signal);
  state.dispose = () => {
    clearTimeout(state.resting);
    state.listeners.abort();
    delete parentElement.lookPanel;
  };
  return state;
}

// Runs again whenever the data or the theme changes.
export function show({ data, parentElement }) {
  const state = (parentElement.lookPanel ??= mount(parentElement));
  [state.aloud, state.hint] = [data.aloud, data.hint];
  state.show();
  state.awaited.ask(data.decoder);
  return () => parentElement.isConnected || state.dispose();
}
