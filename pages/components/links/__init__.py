"""Links from one page to another, that find the other as it was left.

`st.page_link` with a query leaves a step in the browser's history at which the page it leads away from has
lost its widgets' part of the address: one step back, and the gallery's filters are gone (Streamlit 1.67).
"""

from collections.abc import Mapping
from pathlib import Path

from streamlit.components.v2 import component

# Relative, as plotly.js is (`plotly_js_url`): every page is one level deep, and the first answers at the top.
MAP, RECONSTRUCTIONS = ".", "reconstructions"

_HERE = Path(__file__).parent
_mount = component(
    "link",
    html="<a></a>",
    css=(_HERE / "component.css").read_text(encoding="utf-8"),
    js=(_HERE / "component.js").read_text(encoding="utf-8"),
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
