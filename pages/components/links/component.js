export default function ({ data, parentElement }) {
  const link = parentElement.querySelector("a");
  link.textContent = data.label;
  // Where a page stood when a link led away from it is remembered as long as the tab is.
  const memory = (path) => `address of ${path}`;
  const aim = () => {
    const target = new URL(data.page, document.baseURI);
    const query = new URLSearchParams(sessionStorage.getItem(memory(target.pathname)) ?? "");
    for (const [name, value] of Object.entries(data.query)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    target.search = query;
    link.href = target;
  };
  aim();
  link.onpointerdown = link.onfocus = aim;
  link.onclick = (event) => {
    aim();
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    sessionStorage.setItem(memory(location.pathname), location.search);
    // As if one had come here by the browser's own buttons, which Streamlit 1.67 follows: the app stays, and
    // one step leads back (tests/test_browser_reconstructions.py).
    history.pushState(null, "", link.href);
    dispatchEvent(new PopStateEvent("popstate"));
  };
}
