const GAP = 1; // between the pictures of a tile, in their own pixels

function rgb(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

// The colours of all differences, from -255 to 255: from the first colour through black to the second.
function palette([lost, added]) {
  const ends = [rgb(lost), rgb(added)];
  return Array.from({ length: 511 }, (_, i) => {
    const change = i - 255;
    return ends[change < 0 ? 0 : 1].map((part) => (part * Math.abs(change)) / 255);
  });
}

// One tile's pictures, and their difference, into a canvas as large as their pixels.
function draw(canvas, levels, { count, side, difference }, colours) {
  const pixels = side * side;
  const shown = count + (difference ? 1 : 0);
  canvas.width = shown * side + (shown - 1) * GAP;
  canvas.height = side;
  const context = canvas.getContext("2d");
  for (let k = 0; k < shown; k++) {
    const image = context.createImageData(side, side);
    image.data.fill(255); // opaque
    for (let i = 0; i < pixels; i++) {
      if (k < count) image.data.fill(levels[k * pixels + i], 4 * i, 4 * i + 3);
      else image.data.set(colours[levels[pixels + i] - levels[i] + 255], 4 * i);
    }
    context.putImageData(image, k * (side + GAP), 0);
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function tile(data, i, levels, colours, open) {
  const [title, detail] = data.captions[i] ?? [];
  const clickable = data.numbers !== null;
  const made = element(clickable ? "button" : "div", "tile", "");
  if (data.panels.length) {
    const panels = element("span", "tile-panels", "");
    panels.style.gap = `${(100 * GAP) / (data.panels.length * (data.side + GAP) - GAP)}%`;
    panels.append(...data.panels.map((panel) => element("span", "", panel)));
    made.append(panels);
  }
  const canvas = element("canvas", "", "");
  draw(canvas, levels, data, colours);
  made.append(canvas);
  if (title) made.append(element("span", "tile-title", title));
  if (detail) made.append(element("span", "tile-detail", detail));
  if (clickable) {
    made.type = "button";
    made.dataset.number = data.numbers[i];
    made.setAttribute("aria-label", ["Open", title, detail].join(" "));
    made.addEventListener("click", () => open(data.numbers[i]));
  } else {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", title || data.label);
  }
  return made;
}

// Runs again whenever the data or the theme changes.
export default function ({ data, parentElement, setTriggerValue }) {
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
  const letters = atob(data.pictures);
  const levels = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) levels[i] = letters.charCodeAt(i); // `from` takes ten times as long
  const size = data.count * data.side * data.side;
  const shown = levels.length / size;
  grid.style.maxWidth = `${2 * data.width * shown}px`; // a few must not fill a wide window
  const colours = palette(data.colours);
  const open = (number) => grid.report("opened", number);
  const made = Array.from({ length: shown }, (_, i) =>
    tile(data, i, levels.subarray(i * size, (i + 1) * size), colours, open),
  );
  // A tile that was clicked keeps the keyboard: from nowhere, Escape would not close a dialog.
  const focused = [...grid.children].indexOf(grid.getRootNode().activeElement);
  grid.replaceChildren(...made);
  made[focused]?.focus({ preventScroll: true });
  if (turned && grid.getBoundingClientRect().top < 0) grid.scrollIntoView();
}
