import { element } from "../../shell/dom.js";
import { component } from "../../shell/lifecycle.js";
import { navigate } from "../../shell/links/navigate.js";
import { bytesOf, formOf, imageOf, split } from "../../stores/pictures/levels.js";

const GAP = 1; // between the pictures of a tile, in their own pixels

// The colours of all differences from -255 to 255: from the first colour through black to the second.
function palette(colours) {
  const ends = colours.map((hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16)));
  return Array.from({ length: 511 }, (_, i) => {
    const change = i - 255;
    return ends[change < 0 ? 0 : 1].map((part) => (part * Math.abs(change)) / 255);
  });
}

// The second picture minus the first, in these colours; of the red, green and blue of a pixel the largest difference, as
// their mean is 0 where one colour has become another.
function changes(before, after, colours) {
  const image = imageOf(before);
  const size = formOf(before.length).side ** 2;
  for (let i = 0; i < size; i++) {
    let change = 0;
    for (let at = i; at < before.length; at += size) {
      const one = after[at] - before[at];
      if (Math.abs(one) > Math.abs(change)) change = one;
    }
    image.data.set(colours[change + 255], 4 * i);
  }
  return image;
}

// Draws a tile's pictures, and their difference, on a canvas with a pixel for each of theirs.
function draw(canvas, levels, { count, side, difference }, colours) {
  const pictures = split(levels, levels.length / count);
  const shown = count + (difference ? 1 : 0);
  canvas.width = shown * side + (shown - 1) * GAP;
  canvas.height = side;
  const context = canvas.getContext("2d");
  for (let k = 0; k < shown; k++) {
    const image = k < count ? imageOf(pictures[k]) : changes(pictures[0], pictures[1], colours);
    context.putImageData(image, k * (side + GAP), 0);
  }
}

// A tile: `open(number)` is called by a click, unless that opens another page.
function tileOf({ captions, numbers, page, query, panels, label, total, ...layout }, i, levels, colours, open) {
  const [title, detail] = captions[i] ?? [];
  const clickable = numbers !== null;
  const made = element(clickable ? (page === null ? "button" : "a") : "div", { class: "tile" });
  if (panels.length) {
    const headings = element("span", { class: "tile-panels" }, ...panels.map((panel) => element("span", {}, panel)));
    headings.style.gap = `${(100 * GAP) / (panels.length * (layout.side + GAP) - GAP)}%`;
    made.append(headings);
  }
  const canvas = element("canvas");
  draw(canvas, levels, layout, colours);
  made.append(canvas);
  if (title) made.append(element("span", { class: "tile-title" }, title));
  if (detail) made.append(element("span", { class: "tile-detail" }, detail));
  if (clickable) {
    made.dataset.number = numbers[i];
    made.setAttribute("aria-label", ["Open", title || `#${numbers[i]}`, detail].filter(Boolean).join(" "));
    if (page === null) {
      made.type = "button";
      made.addEventListener("click", () => open(numbers[i]));
    } else navigate(made, { page, query: { ...query, index: String(numbers[i]) } });
  } else {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title || (total > 1 ? `${label}, ${i + 1} of ${total}` : label));
  }
  return made;
}

class Tiles {
  drawn = ""; // the data that is shown, as JSON

  constructor(parentElement) {
    this.grid = parentElement.querySelector(".tiles");
    this.resizes = new ResizeObserver(() => this.markRows());
    this.resizes.observe(this.grid);
  }

  show({ data, setTriggerValue }) {
    this.report = setTriggerValue;
    const text = JSON.stringify(data);
    if (this.drawn === text) return;
    const { grid } = this;
    const turned = this.follow !== undefined && this.follow !== data.follow;
    Object.assign(this, { drawn: text, follow: data.follow });
    grid.dataset.tiles = data.key;
    grid.setAttribute("aria-label", data.label);
    grid.style.gridTemplateColumns = `repeat(auto-fit, minmax(min(100%, ${data.width}px), 1fr))`;
    const levels = bytesOf(data.pictures);
    const parts = data.tiles ? split(levels, levels.length / data.tiles) : [];
    grid.style.maxWidth = `${2 * data.width * parts.length}px`; // a few must not fill a wide window
    const colours = palette(data.colours);
    const open = (number) => this.report("clicked", number);
    const made = parts.map((part, i) => tileOf({ ...data, total: parts.length }, i, part, colours, open));
    // A tile that was clicked keeps the keyboard focus: without it, Escape would not close a dialog.
    const focused = [...grid.children].indexOf(grid.getRootNode().activeElement);
    grid.replaceChildren(...made);
    made[focused]?.focus({ preventScroll: true });
    this.onScreen = data.onScreen;
    this.markRows();
    if (turned && grid.getBoundingClientRect().top < 0) grid.scrollIntoView();
  }

  // Marks the tiles of the first rows, of as many as there is room for in each.
  markRows() {
    let [row, top] = [0, null];
    for (const tile of this.onScreen ? this.grid.children : []) {
      if (tile.offsetTop !== top) [row, top] = [row + 1, tile.offsetTop];
      if (row <= this.onScreen) tile.dataset.onScreen = `row-${row}`;
      else delete tile.dataset.onScreen;
    }
  }

  dispose() {
    this.resizes.disconnect();
  }
}

export const show = component("tiles", (parentElement) => new Tiles(parentElement));
