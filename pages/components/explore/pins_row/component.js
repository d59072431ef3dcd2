import { button, element } from "../../shell/dom.js";
import { component } from "../../shell/lifecycle.js";
import { EventQueue } from "../../shell/component_events.js";
import { updateUrl } from "../../shell/links/url.js";
import { navigate } from "../../shell/links/navigate.js";
import { bytesOf, imageOf, put, split } from "../../stores/pictures/levels.js";
import { enlarged, save, sheet } from "./png.js";
import { move, only } from "./keyboard.js";
import { icon } from "./icons.js";

// A pin's tile: its picture and place in a button that chooses it, and buttons for the other actions.
function tileOf(pin, chosen, levels, report) {
  const { number } = pin;
  const action = (clicked, name, title, drawing, more = {}) => {
    const label = `${title}: ${pin.title}`;
    const attributes = { class: `pins-row-${name}`, "data-action": name, title, "aria-label": label, ...more };
    return button(clicked, attributes, drawing);
  };
  const reporting = (name) => () => report(name, number);
  const look = { class: "pins-row-choose", "data-action": "choose", title: pin.title, "aria-pressed": chosen };
  const choose = button(
    reporting("choose"),
    { ...look, "aria-label": `Look at ${pin.title}` },
    put(element("canvas"), imageOf(levels)),
    element("span", {}, pin.text),
  );
  const leads = { "data-action": "link", title: pin.link_label, "aria-label": pin.link_label };
  const link = element("a", leads, icon("pictures"));
  if (pin.link) navigate(link, pin.link);
  const file = () => save(enlarged(levels), `${pin.file}.png`);
  const actions = element(
    "span",
    { class: "pins-row-actions" },
    action(reporting("keep"), "keep", pin.kept ? "Kept. Click to undo" : "Keep", icon("star"), { "aria-pressed": pin.kept }),
    action(file, "save", "Save as PNG", icon("save")),
    ...(pin.link ? [link] : []),
    action(reporting("remove"), "remove", "Remove", icon("cross")),
  );
  return element("div", { class: "pins-row-tile", "data-number": number, "data-chosen": chosen }, choose, actions);
}

// The buttons for all pins together.
function actionsOf({ run, pins, side }, parts, report) {
  const all = () => save(sheet(parts, { side, pins, run }), `${run}_${pins.length}_pins.png`);
  const action = (clicked, title, text) => button(clicked, { "data-action": text, title }, text);
  const clear = action(() => report("clear", null), "Remove those that are not kept", "Clear");
  clear.disabled = pins.every((pin) => pin.kept);
  return [action(all, "All pins on one sheet, as PNG", "Download all"), clear];
}

// Scrolls a tile into view: in a narrow window the row of tiles scrolls.
function reveal(tiles, tile) {
  const start = tile.offsetLeft - tiles.offsetLeft;
  const room = tiles.clientWidth - tile.offsetWidth;
  if (start < tiles.scrollLeft || start > tiles.scrollLeft + room) tiles.scrollLeft = start - room;
}

class PinsRow {
  events = new EventQueue();
  drawn = new Map(); // what a tile shows, as JSON -> the tile
  chosen = null; // the number of the chosen pin, as drawn

  constructor(parentElement) {
    this.row = parentElement.querySelector(".pins-row");
    const [tiles] = ([this.tiles, this.all, this.empty] = this.row.children);
    tiles.setAttribute("aria-label", "Pins");
    tiles.onkeydown = (event) => move(event, tiles, (number) => this.report("remove", number));
    tiles.addEventListener("focusin", ({ target }) => only(tiles, target.closest(".pins-row-tile")));
  }

  report = (action, pin) => this.events.emit({ action, pin });

  show({ data, setTriggerValue }) {
    const { row, tiles, all } = this;
    // Pins have other numbers in another session: actions still waiting from the last one are dropped.
    if (this.events.session !== data.session) this.events = new EventQueue();
    this.events.acknowledge(setTriggerValue, data.acknowledged, data.session);
    const levels = bytesOf(data.pictures);
    const parts = data.pins.length ? split(levels, levels.length / data.pins.length) : [];
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    const at = [...tiles.children].indexOf(focused?.closest(".pins-row-tile"));
    const number = tiles.children[at]?.dataset.number;
    this.arrange(data, parts);
    all.replaceChildren(...(data.pins.length ? actionsOf(data, parts, this.report) : []));
    const empty = "Nothing is pinned yet. Click the map, on a point or between them.";
    this.empty.textContent = data.pins.length ? "" : empty;
    const chosen = tiles.querySelector('[data-chosen="true"]');
    only(tiles, chosen);
    if (chosen && this.chosen !== data.chosen) reveal(tiles, chosen);
    this.chosen = data.chosen;
    updateUrl(data.query);
    if (!focused || focused.isConnected) return;
    // The pressed button keeps the focus though its tile is new; after a removal the next tile gets it.
    const tile = tiles.querySelector(`[data-number="${number}"]`) ?? tiles.children[at] ?? tiles.lastElementChild;
    const target = (at < 0 ? all : tile)?.querySelector(`[data-action="${focused.dataset.action}"]`);
    target?.focus({ preventScroll: true });
  }

  // Brings the tiles up to date. Unchanged ones stay in the document: a click may have begun on one.
  arrange({ pins, chosen, side }, parts) {
    const made = pins.map((pin, i) => {
      const drawn = JSON.stringify([pin, pin.number === chosen, side, ...parts[i]]);
      return [drawn, this.drawn.get(drawn) ?? tileOf(pin, pin.number === chosen, parts[i], this.report)];
    });
    this.drawn = new Map(made);
    const kept = [...this.drawn.values()];
    const { tiles } = this;
    for (const tile of [...tiles.children]) if (!kept.includes(tile)) tile.remove();
    kept.forEach((tile, i) => tiles.children[i] !== tile && tiles.insertBefore(tile, tiles.children[i] ?? null));
  }
}

export const show = component("pinsRow", (parentElement) => new PinsRow(parentElement));
