import { element } from "../../shell/dom.js";
import { navigate } from "../../shell/links/navigate.js";
import { bytesOf, imageOf, split } from "../../stores/pictures/levels.js";

const GAP = 1; // between the pictures of a tile, in their own pixels

function rgb(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

// The colours of all differences from -255 to 255: from the first colour through black to the second.
function palette([lost, added]) {
  const ends = [rgb(lost), rgb(added)];
  return Array.from({ length: 511 }, (_, i) => {
    const change = i - 255;
    return ends[change < 0 ? 0 : 1].map((part) => (part * Math.abs(change)) / 255);
  });
}

// The second picture minus the first, in these colours.
function changes(before, after, colours) {
  const image = imageOf(before);
  before.forEach((level, i) => image.data.set(colours[after[i] - level + 255], 4 * i));
  return image;
}

// Draws a tile's pictures, and their difference, on a canvas with a pixel for each of theirs.
function draw(canvas, levels, { count, side, difference }, colours) {
  const pictures = split(levels, side * side);
  const shown = count + (difference ? 1 : 0);
  canvas.width = shown * side + (shown - 1) * GAP;
  canvas.height = side;
  const context = canvas.getContext("2d");
  for (let k = 0; k < shown; k++) {
    const image = k < count ? imageOf(pictures[k]) : changes(pictures[0], pictures[1], colours);
    context.putImageData(image, k * (side + GAP), 0);
  }
}

function tile(data, i, levels, colours, open) {
  const [title, detail] = data.captions[i] ?? [];
  const clickable = data.numbers !== null;
  const made = element(clickable ? (data.page === null ? "button" : "a") : "div", { class: "tile" });
  if (data.panels.length) {
    const panels = element("span", { class: "tile-panels" }, ...data.panels.map((panel) => element("span", {}, panel)));
    panels.style.gap = `${(100 * GAP) / (data.panels.length * (data.side + GAP) - GAP)}%`;
    made.append(panels);
  }
  const canvas = element("canvas");
  draw(canvas, levels, data, colours);
  made.append(canvas);
  if (title) made.append(element("span", { class: "tile-title" }, title));
  if (detail) made.append(element("span", { class: "tile-detail" }, detail));
  if (clickable) {
    made.dataset.number = data.numbers[i];
    made.setAttribute("aria-label", ["Open", title, detail].join(" "));
    if (data.page === null) {
      made.type = "button";
      made.addEventListener("click", () => open(data.numbers[i]));
    } else navigate(made, { page: data.page, query: { ...data.query, index: String(data.numbers[i]) } });
  } else {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title || data.label);
  }
  return made;
}

// Runs again whenever the data or the theme changes.
export function show({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".tiles");
  grid.report = setTriggerValue;
  const text = JSON.stringify(data);
  if (grid.drawn === text) return;
  const turned = grid.follow !== undefined && grid.follow !== data.follow;
  grid.drawn = text;
  grid.follow = data.follow;
  grid.dataset.tiles = data.key;
  grid.setAttribute("aria-label", data.label);
  grid.style.gridTemplateColumns = `repeat(auto-fit, minmax(min(100%, ${data.width}px), 1fr))`;
  const parts = split(bytesOf(data.pictures), data.count * data.side * data.side);
  grid.style.maxWidth = `${2 * data.width * parts.length}px`; // a few must not fill a wide window
  const colours = palette(data.colours);
  const open = (number) => grid.report("clicked", number);
  const made = parts.map((levels, i) => tile(data, i, levels, colours, open));
  // A tile that was clicked keeps the keyboard focus: without it, Escape would not close a dialog.
  const focused = [...grid.children].indexOf(grid.getRootNode().activeElement);
  grid.replaceChildren(...made);
  made[focused]?.focus({ preventScroll: true });
  if (turned && grid.getBoundingClientRect().top < 0) grid.scrollIntoView();
}
