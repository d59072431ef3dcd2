// Large content of this page by kind and name, whether its store or a component that awaits it is mounted first.
// Modules import this file; its text is also put before the scripts of stores, which cannot import.
export function registry(kind) {
  const slot = `${kind}OfThisApp`;
  if (window[slot]) return window[slot];
  const KEPT = 4; // of the content that is in no store any more, for a return to a run seen before
  const entries = new Map(); // the oldest first

  function entryOf(name) {
    if (!entries.has(name)) {
      const entry = {};
      entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      entry.promise.catch(() => {}); // a failure is handled by the callers of `get`, if there are any
      entries.set(name, entry);
    }
    return entries.get(name);
  }

  // A promise of the content, which stays pending until a store has it.
  const get = (name) => entryOf(name).promise;

  // Keeps the content that `make` returns, unless it is here already. `data-holds` of a store is the name of its
  // content.
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
        entries.delete(name); // so that the next call tries again
        entry.reject(error);
        throw error; // Streamlit shows it in the store's place
      }
    }
    // Awaited content is kept, and that of the stores on the page.
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
