// The classes as buttons, whose tooltips have their counts: a click hides a class, a double click shows it alone. Plotly's own legend
// cannot be used by keyboard. Where colours mean numbers, their scale stands beside the classes. Too many classes for a
// row are a list that is opened (class_list.js); a single one is not listed.
import { button, element } from "../../shell/dom.js";
import { shown } from "../../shell/hover_event.js";
import { makeClassList } from "./class_list.js";
import { bounds } from "./layers/point_colours.js";

const FEW = 10; // classes that stand in a row whatever their names are
const MOST = 20; // the same of short names: these still have each a colour of its own
const SHORT = 2; // letters a name, on average

const dot = (background) => element("i", { style: `background: ${background}` });

const inRow = (names) =>
  names.length <= FEW || (names.length <= MOST && names.join("").length <= SHORT * names.length);

function scaleBar(values, { scale, colouringName }) {
  const [low, high] = bounds(values);
  const bar = dot(`linear-gradient(90deg, ${scale.join(", ")})`);
  const digits = high < 10 ? 2 : 0;
  // One in a hundred lies beyond, at either end.
  const [least, most] = [`${colouringName}: ≤ ${shown(low, digits)}`, `≥ ${shown(high, digits)}`];
  return element("span", { class: "latent-map-scale", title: `${least}, ${most}` }, least, bar, most);
}

// `changed(hidden)` gets the labels of all hidden classes, a Set, whenever a person hides or shows one.
export function makeLegend(box, changed) {
  let hidden = new Set();
  let drawn = []; // what the buttons were made of
  let classes = []; // their buttons
  const list = makeClassList();
  const showAll = () => {
    turn(new Set());
    (list.panel.isConnected ? list.opener : classes[0]).focus({ preventScroll: true });
  };
  const all = button(showAll, { class: "latent-map-class", title: "Show all classes" }, "All");

  function turn(next) {
    hidden = next;
    refresh();
    changed(next);
  }

  function refresh() {
    classes.forEach((each, label) => {
      each.setAttribute("aria-pressed", String(!hidden.has(label)));
      const hide = "Hide this class; a double click, or shift, shows it alone";
      each.title = `${each.getAttribute("aria-label")}. ${hidden.has(label) ? "Show this class" : hide}`;
    });
    list.count(classes.length, hidden.size);
    all.style.visibility = hidden.size === 0 ? "hidden" : "visible"; // its place stays: the map must not jump
  }

  function press(event, label) {
    const next = new Set(hidden);
    if (event.detail >= 2 || event.shiftKey) {
      // The first click of two has hidden or shown this class already.
      const others = [...classes.keys()].filter((other) => other !== label);
      const alone = others.every((other) => hidden.has(other));
      return turn(new Set(alone ? [] : others));
    }
    if (!next.delete(label)) next.add(label);
    turn(next);
  }

  // Makes the buttons where something they show has changed: `labels` are those of the points, `values` the numbers that
  // colours are spread over, if they mean numbers. Without both it takes the same room.
  function draw({ classes: names, colours, colouring, ...bar }, labels, values, hiddenClasses) {
    hidden = hiddenClasses;
    const news = [JSON.stringify([colouring, colours, names]), labels, values];
    if (news.every((part, k) => part === drawn[k])) return refresh();
    const counts = names.map(() => 0);
    for (const label of labels ?? []) counts[label]++;
    const byClass = colouring === "class";
    classes = names.map((name, label) => {
      const colour = dot(byClass ? colours[label] : "var(--st-border-color)");
      const count = labels ? ` (${counts[label].toLocaleString("en")})` : "";
      const attributes = { class: "latent-map-class", "aria-label": `${name}${count}` };
      return button((event) => press(event, label), attributes, colour, element("span", {}, name));
    });
    refresh();
    const focused = box.contains(document.activeElement) ? document.activeElement : null;
    const at = [...box.querySelectorAll("button")].indexOf(focused); // it is the same class after that
    const scale = byClass || !values ? [] : [scaleBar(values, bar)];
    const listed = !inRow(names);
    if (listed) list.show(classes, names);
    const parts = names.length < 2 ? [] : listed ? [list.opener, all, list.panel] : [...classes, all];
    box.replaceChildren(...parts, ...scale);
    box.toggleAttribute("data-empty", parts.length === 0);
    const same = focused?.isConnected ? focused : box.querySelectorAll("button")[at];
    same?.focus({ preventScroll: true });
    drawn = news;
  }

  return { draw };
}
