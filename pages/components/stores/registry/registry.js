// Heavy content at hand on this page, by kind and name, for whoever comes first: the store that brings it, or
// a component that awaits it. Modules import it; the text also stands before the scripts that cannot.
export function registry(kind) {
  const slot = `${kind}OfThisApp`;
  if (window[slot]) return window[slot];
  const KEPT = 4; // of what is in no store any more: the way back to a run seen before is short
  const entries = new Map(); // the oldest first

  function entryOf(name) {
    if (!entries.has(name)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      entry.promise.catch(() => {}); // whoever awaits it hears of a failure; nobody has to
      entries.set(name, entry);
    }
    return entries.get(name);
  }

  // A promise of the content; it waits, for ever if need be, until a store brings it.
  const get = (name) => entryOf(name).promise;

  // What `make` returns is the content from now on, unless it is here already. A store says which it holds in
  // `data-holds`.
  function keep(name, store, make) {
    store.dataset.holds = name;
    const entry = entryOf(name);
    entries.delete(name);
    entries.set(name, entry); // the newest is last
    if (!entry.made) {
      try {
        entry.resolve(make());
        entry.made = true;
      } catch (error) {
        entries.delete(name); // the next may bring it whole
        entry.reject(error);
        throw error; // which Streamlit shows in the store's place
      }
    }
    // What is awaited stays, and what is in the stores that stand on the page.
    const stores = [...document.querySelectorAll(`[data-store="${kind}"]`)];
    const held = new Set(stores.map((each) => each.dataset.holds));
    const idle = [...entries].filter(([other, { made }]) => made && !held.has(other));
    for (const [other] of idle.slice(0, -KEPT)) entries.delete(other);
  }

  return (window[slot] = { get, keep });
}

export const decoders = () => registry("decoders");
export const pointSets = () => registry("points");
export const momentLists = () => registry("moments");
