// The classes as buttons, with their counts: one click hides a class, two show it alone. Plotly's own legend
// takes no keyboard. Where the colours mean numbers, their scale stands beside the classes.
import { bounds } from "./figure.js";
import { shown } from "./look.js";

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

// `spread` are the points over whose values colours are spread (figure.js); `hidden` is the set of labels that are
// hidden; it is changed here, and `changed` called afterwards.
export function drawLegend(box, points, spread, data, hidden, changed) {
  const counts = data.classes.map(() => 0);
  for (const label of points.labels) counts[label]++;
  const byClass = data.colouring === "class";
  const act = (label) => (event) => {
    if (event.detail >= 2 || event.shiftKey) {
      // The first click of two has hidden or shown this class already.
      const others = data.classes.map((_, other) => other).filter((other) => other !== label);
      const alone = others.every((other) => hidden.has(other));
      hidden.clear();
      if (!alone) others.forEach((other) => hidden.add(other));
    } else if (!hidden.delete(label)) hidden.add(label);
    refresh();
    changed();
  };
  const classes = data.classes.map((name, label) => {
    const colour = dot(byClass ? data.colours[label] : "var(--st-border-color)");
    return button([colour, `${name} (${counts[label].toLocaleString("en")})`], act(label));
  });
  const all = button(["All"], () => {
    hidden.clear();
    refresh();
    changed();
    classes[0].focus({ preventScroll: true });
  });
  all.title = "Show all classes";
  const refresh = () => {
    classes.forEach((each, label) => {
      each.setAttribute("aria-pressed", String(!hidden.has(label)));
      const hide = "Hide this class; a double click, or shift, shows it alone";
      each.title = hidden.has(label) ? "Show this class" : hide;
    });
    all.style.visibility = hidden.size === 0 ? "hidden" : "visible"; // its place stays: the map must not jump
  };
  refresh();
  const focused = [...box.children].indexOf(document.activeElement); // it is the same class after that
  box.replaceChildren(...classes, all, ...(byClass ? [] : [scaleBar(spread.values[data.colouring], data)]));
  box.children[focused]?.focus({ preventScroll: true });
}
