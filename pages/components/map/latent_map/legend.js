// The classes as buttons, with their counts: one click hides a class, two show it alone. Plotly's own legend
// takes no keyboard. Where the colours mean numbers, their scale stands beside the classes.
import { bounds } from "./layers/plotly_figure.js";
import { shown } from "../../shell/hover_event.js";

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "latent-map-class";
  made.append(...text);
  made.addEventListener("click", act);
  return made;
}

function dot(colour) {
  const made = document.createElement("i");
  made.style.background = colour;
  return made;
}

function scaleBar(values, { scale, colouringName }) {
  const [low, high] = bounds(values);
  const made = document.createElement("span");
  made.className = "latent-map-scale";
  const bar = dot(`linear-gradient(90deg, ${scale.join(", ")})`);
  const digits = high < 10 ? 2 : 0;
  // One in a hundred lies beyond, at either end.
  made.append(`${colouringName}: ≤ ${shown(low, digits)}`, bar, `≥ ${shown(high, digits)}`);
  return made;
}

// `changed` is called whenever a class is hidden or shown, by the map's `hidden`.
export function makeLegend(map, box, changed) {
  const { hidden } = map;
  let drawn = []; // what it was drawn of
  let classes = []; // their buttons
  const all = button(["All"], () => {
    hidden.clear();
    turned();
    classes[0].focus({ preventScroll: true });
  });
  all.title = "Show all classes";

  function turned() {
    refresh();
    changed();
  }

  function refresh() {
    classes.forEach((each, label) => {
      each.setAttribute("aria-pressed", String(!hidden.has(label)));
      const hide = "Hide this class; a double click, or shift, shows it alone";
      each.title = hidden.has(label) ? "Show this class" : hide;
    });
    all.style.visibility = hidden.size === 0 ? "hidden" : "visible"; // its place stays: the map must not jump
  }

  function press(event, label) {
    if (event.detail >= 2 || event.shiftKey) {
      // The first click of two has hidden or shown this class already.
      const others = [...classes.keys()].filter((other) => other !== label);
      const alone = others.every((other) => hidden.has(other));
      hidden.clear();
      if (!alone) others.forEach((other) => hidden.add(other));
    } else if (!hidden.delete(label)) hidden.add(label);
    turned();
  }

  function draw() {
    const { data, points, spread } = map;
    const told = JSON.stringify([data.colouring, data.colours, data.classes]);
    const news = [told, points.labels, spread.values[data.colouring]];
    if (news.every((part, k) => part === drawn[k])) return;
    const counts = data.classes.map(() => 0);
    for (const label of points.labels) counts[label]++;
    const byClass = data.colouring === "class";
    classes = data.classes.map((name, label) => {
      const colour = dot(byClass ? data.colours[label] : "var(--st-border-color)");
      const text = [colour, `${name} (${counts[label].toLocaleString("en")})`];
      return button(text, (event) => press(event, label));
    });
    refresh();
    const focused = [...box.children].indexOf(document.activeElement); // it is the same class after that
    box.replaceChildren(...classes, all, ...(byClass ? [] : [scaleBar(spread.values[data.colouring], data)]));
    box.children[focused]?.focus({ preventScroll: true });
    drawn = news;
  }

  return { draw };
}
