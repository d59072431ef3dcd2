// Where a page stood when a link led away from it is remembered as long as the tab is.
const memory = (path) => `address of ${path}`;

// Has an <a> lead to a page as it stood when a link last led away from it, but its address saying `query`: of
// each name a text, or null to say nothing.
export function lead(link, { page, query }) {
  const aim = () => {
    const target = new URL(page, document.baseURI);
    const parameters = new URLSearchParams(sessionStorage.getItem(memory(target.pathname)) ?? "");
    for (const [name, value] of Object.entries(query)) {
      if (value === null) parameters.delete(name);
      else parameters.set(name, value);
    }
    target.search = parameters;
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
