// What is visible of a map, in the page's URL: `window=-1,1,-0.8,0.8`, and `hide=0,3`, labels of hidden classes. Where
// a page has two maps, the parameters of the second begin with its prefix.
import { updateUrl } from "../../shell/links/url.js";

const NAME = "window";
const HIDE = "hide";

const NARROWEST = 1e-15; // of a window: below, float64 cannot tell places near 1 apart

// Whether the URL names a window; an empty one is the whole map.
export const namesWindow = (prefix) => new URLSearchParams(location.search).has(prefix + NAME);

// The window [[x0, x1], [y0, y1]] in the URL, or null if there is no valid one.
export function windowInUrl(prefix) {
  const parts = new URLSearchParams(location.search).get(prefix + NAME)?.split(",") ?? [];
  const numbers = parts.filter((part) => part.trim() !== "").map(Number);
  const [x0, x1, y0, y1] = numbers;
  const whole = parts.length === 4 && numbers.length === 4;
  const wide = x1 - x0 > NARROWEST && y1 - y0 > NARROWEST;
  const usable = whole && wide && numbers.every((each) => Math.abs(each) < 1e6);
  return usable ? [[x0, x1], [y0, y1]] : null;
}

// Writes the window into the URL, or removes it for null.
export function setWindow(prefix, ranges) {
  const width = ranges && Math.max(ranges[0][1] - ranges[0][0], NARROWEST);
  const digits = ranges && Math.max(3, Math.ceil(3 - Math.log10(width)));
  updateUrl({ [prefix + NAME]: ranges && ranges.flat().map((each) => String(+each.toFixed(digits))).join(",") });
}

// The window and the hidden classes of the last map of each prefix, for a return from another page.
const last = {};
const lastHidden = {};

export function remember(prefix, revision, ranges) {
  last[prefix] = { revision, ranges };
}

export const remembered = (prefix, revision) =>
  last[prefix]?.revision === revision ? last[prefix].ranges : null;

// The labels of hidden classes in the URL, those that are valid: of the first of these prefixes that has any.
export function labelsInUrl(prefixes, classes) {
  if (classes.length < 2) return []; // nobody could show it again
  const parameters = new URLSearchParams(location.search);
  const asked = prefixes.map((prefix) => parameters.get(prefix + HIDE)).find((each) => each !== null);
  const parts = asked?.split(",") ?? [];
  return parts.filter((part) => /^[0-9]{1,3}$/.test(part) && Number(part) < classes.length).map(Number);
}

// The same, or without any in the URL those that were hidden last.
export function hiddenInUrl(prefixes, classes) {
  const parameters = new URLSearchParams(location.search);
  if (prefixes.some((prefix) => parameters.has(prefix + HIDE))) return labelsInUrl(prefixes, classes);
  const [prefix] = prefixes;
  return lastHidden[prefix]?.classes === classes.join() ? lastHidden[prefix].labels : [];
}

export function setHidden(prefix, hidden, classes) {
  const labels = [...hidden].sort((one, other) => one - other);
  lastHidden[prefix] = { classes: classes.join(), labels };
  updateUrl({ [prefix + HIDE]: labels.length > 0 ? labels.join(",") : null });
}
