"""Links from one page to another, that find the other as it was left.

`st.page_link` with a query leaves a step in the browser's history at which the page it leads away from has
lost its widgets' part of the address: one step back, and the gallery's filters are gone (Streamlit 1.67).
Other components have links like these too: `follow.js`. And they write the address: `address.js`.
"""

from collections.abc import Mapping

from pages.components.shell.assets import module_component

# Relative, as plotly.js is (`plotly_js_url`): every page is one level deep, and the first answers at the top.
MAP, RECONSTRUCTIONS = ".", "reconstructions"

_mount = module_component(__file__, '<a class="page-link"></a>')


def link(label: str, page: str, query: Mapping[str, str | None], *, key: str) -> None:
    """A link to a page as it stood when a link last led away from it, but its address saying `query`.

    Args:
        label: text, not Markdown.
        page: `MAP` or `RECONSTRUCTIONS`.
        query: what to say of each name; None to say nothing.
        key: the link's identity, unique in the app.
    """
    _mount(key=key, data={"key": key, "label": label, "page": page, "query": query})
