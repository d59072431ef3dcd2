// What is looked at now, told to all components of the page: `source` "map", "keys", "coordinates" or "path";
// `z` a place of the latent space, or null where nothing is looked at any more; `index` of the data point that
// lies there, and `real`, its real picture { picture, name, figures }, or null; `where`, what the map calls it.
// A page may have two maps: `chart` is the key of the one that tells it, and `pictures` the address of the real
// pictures of its points, the same for the same set; both null where no map does.
const NOTHING = { index: null, real: null, where: null, chart: null, pictures: null };

export function tellLook(source, z, more = NOTHING) {
  window.dispatchEvent(new CustomEvent("latent-look", { detail: { ...NOTHING, ...more, source, z } }));
}

export function onLook(handler, signal) {
  window.addEventListener("latent-look", ({ detail }) => handler(detail), { signal });
}

const SHOWN = 4; // coordinates

const more = (there) => (there ? ", …" : "");

// Coordinates as people read them; with names before them they are not all that a place has.
export function named(numbers, names, digits = 2) {
  const each = numbers.map((value, i) => [...names.slice(i, i + 1), shown(value, digits)].join(" "));
  return each.join(", ") + more(names.length > 0);
}

// A place in a sentence: as the map calls it, or by its first coordinates.
export function placeText(z, where = null) {
  return `z = (${where ?? named(z.slice(0, SHOWN), []) + more(z.length > SHOWN)})`;
}

// A number as it is shown: with a minus sign, not a hyphen, and no −0.
export function shown(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}
