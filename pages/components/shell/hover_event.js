// The hovered place, shared by all components of the page through the window event "latent-hover". Its detail:
//   source   "map" (the pointer), "keys", "coordinates", "path", "samples" or "encoder"
//   z        the place in the latent space, or null when nothing is hovered any more
//   index    the data point at that place, or null
//   real     its real picture, { picture, name, figures }, or null
//   where    the coordinates as the map writes them, or null
//   chart    the key of the map that the place was hovered on, or null
//   pictures the URL of the real pictures of that map's points, equal for equal sets, or null
const NOTHING = { index: null, real: null, where: null, chart: null, pictures: null };

let current = null; // the source of the hovered place, while there is one

// That nothing is hovered any more is told only by the source of what is hovered: a component may be left after
// another one was entered.
export function emitHover(source, z, more = NOTHING) {
  if (!z && current && current !== source) return;
  current = z ? source : null;
  window.dispatchEvent(new CustomEvent("latent-hover", { detail: { ...NOTHING, ...more, source, z } }));
}

export function onHover(handler, signal) {
  window.addEventListener("latent-hover", ({ detail }) => handler(detail), { signal });
}

const SHOWN = 4; // coordinates

const more = (there) => (there ? ", …" : "");

// Coordinates as text. `names` stand before them where they are not all of the place's coordinates.
export function named(numbers, names, digits = 2) {
  const each = numbers.map((value, i) => [...names.slice(i, i + 1), shown(value, digits)].join(" "));
  return each.join(", ") + more(names.length > 0);
}

// A place in a sentence: with the map's coordinates `where`, or with its first ones.
export function placeText(z, where = null) {
  return `z = (${where ?? named(z.slice(0, SHOWN), []) + more(z.length > SHOWN)})`;
}

// A number as text: with a minus sign, not a hyphen, and no −0.
export function shown(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}
