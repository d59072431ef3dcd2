"""Links to another page of the app, in the state in which it was last left.

`st.page_link` with a query adds a history entry at which the page that is left has lost its widgets' query
parameters: after Back, the gallery's filters are gone (Streamlit 1.67). Other components have such links too
(`navigate.js`), and write the URL (`url.js`).
"""

from collections.abc import Mapping

from pages.components.shell.assets import module_component

# Relative, as the URLs of `serve`: every page is one level deep, and the default page is at the top.
MAP, RECONSTRUCTIONS = ".", "reconstructions"

_mount = module_component(__file__, '<a class="page-link"></a>')


def link(label: str, page: str, query: Mapping[str, str | None], *, key: str) -> None:
    """Shows a link to a page, with the URL it had when a link last left it, changed by `query`.

    Args:
        label: text, not Markdown.
        page: `MAP` or `RECONSTRUCTIONS`.
        query: query parameters to set; None removes one.
        key: the component's key, unique in the app.
    """
    _mount(key=key, data={"key": key, "label": label, "page": page, "query": query})
