import { keep, kept } from "./tab_memory.js";
import { setParameters } from "./url.js";

// The name under which the query of a page is kept when a link is followed from it.
const memory = (path) => `query of ${path}`;

// The lesson that goes on, its step and its language (pages/components/learn) belong to no page.
const OF_THE_TAB = ["lesson", "at", "language"];

// Makes an <a> open a page as it was when a link was last followed from it, with the parameters of `query` changed:
// each to a text, or removed for null.
export function navigate(link, { page, query }) {
  const aim = () => {
    const target = new URL(page, document.baseURI);
    const parameters = new URLSearchParams(kept(memory(target.pathname)) ?? "");
    const present = new URLSearchParams(location.search);
    setParameters(parameters, Object.fromEntries(OF_THE_TAB.map((name) => [name, present.get(name)])));
    setParameters(parameters, query);
    target.search = parameters;
    link.href = target;
  };
  aim();
  link.onpointerdown = link.onfocus = aim;
  link.onclick = (event) => {
    aim();
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    visit(link.href);
  };
}

// Opens an address of the app, as a step in the browser's history.
export function visit(address) {
  keep(memory(location.pathname), location.search);
  // As the browser's own back and forward buttons do, which Streamlit 1.67 follows: the app stays, and one step
  // back returns (tests/pages/test_reconstructions_in_a_browser.py).
  history.pushState(null, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
}
