// The decoders at hand on this page, by name, for whoever comes first: the store that brings one, or a
// component that awaits it. This text stands before the script of each of them.
function decoders() {
  if (window.decodersOfThisApp) return window.decodersOfThisApp;
  const KEPT = 4; // of those whose stores are gone: the way back to a run seen before is short
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

  // A promise of the decoder; it waits, for ever if need be, until a store brings it.
  const get = (name) => entryOf(name).promise;

  // What `make` returns is the decoder from now on, unless it is here already. A store says which it holds in
  // `data-decoder`.
  function keep(name, store, make) {
    store.dataset.decoder = name;
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
    // Those that are awaited stay, and those of the stores that stand on the page.
    const held = new Set([...document.querySelectorAll(".decoder-store")].map((each) => each.dataset.decoder));
    const idle = [...entries].filter(([other, { made }]) => made && !held.has(other));
    for (const [other] of idle.slice(0, -KEPT)) entries.delete(other);
  }

  return (window.decodersOfThisApp = { get, keep });
}
