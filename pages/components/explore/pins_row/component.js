import { element } from "../../shell/dom.js";
import { EventQueue } from "../../shell/component_events.js";
import { updateUrl } from "../../shell/links/url.js";
import { navigate } from "../../shell/links/navigate.js";
import { bytesOf, imageOf, put } from "../../stores/pictures/levels.js";
import { enlarged, save, sheet } from "./png.js";
import { move, only } from "./keyboard.js";
import { icon } from "./icons.js";

// A pin's tile: its picture and place in a button that chooses it, and buttons for the other actions.
function tileOf(pin, chosen, levels, report) {
  const { number } = pin;
  const button = (action, name, title, drawing, attributes = {}) => {
    const made = element("button", { type: "button", title, "aria-label": `${title}: ${pin.title}`, ...attributes });
    made.className = `pins-row-${name}`;
    made.dataset.action = name;
    made.append(drawing);
    made.addEventListener("click", action);
    return made;
  };
  const reporting = (action) => () => report(action, number);
  const picture = put(document.createElement("canvas"), imageOf(levels));
  const choose = element("button", { type: "button", title: pin.title });
  choose.className = "pins-row-choose";
  choose.dataset.action = "choose";
  choose.setAttribute("aria-label", `Look at ${pin.title}`);
  choose.setAttribute("aria-pressed", chosen);
  choose.append(picture, element("span", {}, pin.text));
  choose.addEventListener("click", reporting("choose"));
  const link = element("a", { title: pin.leads, "aria-label": pin.leads });
  link.dataset.action = "link";
  link.append(icon("pictures"));
  navigate(link, pin.link);
  const file = () => save(enlarged(levels), `${pin.file}.png`);
  const actions = element("span", {});
  actions.className = "pins-row-actions";
  actions.append(
    button(reporting("keep"), "keep", pin.kept ? "Kept: let it go" : "Keep", icon("star"), { "aria-pressed": pin.kept }),
    button(file, "save", "Save as PNG", icon("save")),
    link,
    button(reporting("remove"), "remove", "Remove", icon("cross")),
  );
  const tile = element("div", {});
  tile.className = "pins-row-tile";
  tile.dataset.number = number;
  tile.dataset.chosen = chosen;
  tile.append(choose, actions);
  return tile;
}

// The buttons for all pins together.
function actionsOf(data, parts, report) {
  const button = (text, title, action, disabled) => {
    const made = element("button", { type: "button", title }, text);
    made.dataset.action = text;
    made.disabled = disabled;
    made.addEventListener("click", action);
    return made;
  };
  const clearable = data.pins.some((pin) => !pin.kept);
  const all = () => save(sheet(parts, data), `${data.run}_${data.pins.length}_pins.png`);
  return [
    button("Download all", "All pins on one sheet, as PNG", all, false),
    button("Clear", "Remove those that are not kept", () => report("clear", null), !clearable),
  ];
}

// Brings the tiles up to date. Unchanged ones stay in the document: a click may have begun on one.
function arrange(tiles, data, parts, report) {
  const old = new Map([...tiles.children].map((tile) => [tile.drawn, tile]));
  const made = data.pins.map((pin, i) => {
    const chosen = pin.number === data.chosen;
    const drawn = JSON.stringify([pin, chosen, data.side, ...parts[i]]);
    const tile = old.get(drawn) ?? tileOf(pin, chosen, parts[i], report);
    tile.drawn = drawn;
    return tile;
  });
  for (const tile of old.values()) if (!made.includes(tile)) tile.remove();
  made.forEach((tile, i) => tiles.children[i] !== tile && tiles.insertBefore(tile, tiles.children[i] ?? null));
}

// Scrolls a tile into view: in a narrow window the row of tiles scrolls.
function reveal(tiles, tile) {
  const start = tile.offsetLeft - tiles.offsetLeft;
  const room = tiles.clientWidth - tile.offsetWidth;
  if (start < tiles.scrollLeft || start > tiles.scrollLeft + room) tiles.scrollLeft = start - room;
}

// Called whenever the data or the theme changes.
export function show({ data, parentElement, setTriggerValue }) {
  const row = parentElement.querySelector(".pins-row");
  const [tiles, all, empty] = row.children;
  // Pins have other numbers in another session: actions still waiting from the last one are dropped.
  if (row.events?.session !== data.session) row.events = new EventQueue();
  row.events.acknowledge(setTriggerValue, data.acknowledged, data.session);
  const report = (action, pin) => row.events.emit({ action, pin });
  tiles.setAttribute("aria-label", "Pins");
  tiles.onkeydown = (event) => move(event, tiles, (number) => report("remove", number));
  tiles.onfocusin = (event) => only(tiles, event.target.closest(".pins-row-tile"));
  const levels = bytesOf(data.pictures);
  const size = data.side * data.side;
  const parts = data.pins.map((_, i) => levels.subarray(i * size, (i + 1) * size));
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  const at = [...tiles.children].indexOf(focused?.closest(".pins-row-tile"));
  const number = tiles.children[at]?.dataset.number;
  arrange(tiles, data, parts, report);
  all.replaceChildren(...(data.pins.length ? actionsOf(data, parts, report) : []));
  empty.textContent = data.pins.length ? "" : "Nothing is pinned yet. Click the map, on a point or between them.";
  const chosen = tiles.querySelector('[data-chosen="true"]');
  only(tiles, chosen);
  if (chosen && row.chosen !== data.chosen) reveal(tiles, chosen);
  row.chosen = data.chosen;
  updateUrl(data.query);
  if (!focused || focused.isConnected) return;
  // The pressed button keeps the focus though its tile is new; after a removal the next tile gets it.
  const tile = tiles.querySelector(`[data-number="${number}"]`) ?? tiles.children[at] ?? tiles.lastElementChild;
  const target = (at < 0 ? all : tile)?.querySelector(`[data-action="${focused.dataset.action}"]`);
  target?.focus({ preventScroll: true });
}
