"""Links from one page to another, that find the other as it was left.

`st.page_link` with a query leaves a step in the browser's history at which the page it leads away from has
lost its widgets' part of the address: one step back, and the gallery's filters are gone.
"""

from collections.abc import Mapping

from streamlit.components.v2 import component

# Relative, as plotly.js is (`plotly_js_url`): every page is one level deep, and the first answers at the top.
MAP, RECONSTRUCTIONS = ".", "reconstructions"

_mount = component(
    "link",
    html="<a></a>",
    css="""
a { color: var(--st-link-color); font-family: var(--st-font); font-size: 0.95rem; text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
""",
    js="""
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
    // As if one had gone there by the browser's own buttons: the app stays, and one step leads back.
    history.pushState(null, "", link.href);
    dispatchEvent(new PopStateEvent("popstate"));
  };
}
""",
)


def link(label: str, page: str, query: Mapping[str, str | None], *, key: str) -> None:
    """A link to a page as it stood when a link last led away from it, but its address saying `query`.

    Args:
        label: text, not Markdown.
        page: `MAP` or `RECONSTRUCTIONS`.
        query: what to say of each name; None to say nothing.
        key: the link's identity, unique in the app.
    """
    _mount(key=key, data={"key": key, "label": label, "page": page, "query": query})
