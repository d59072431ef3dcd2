"""Runs the page again when its window gets the focus back: what happened elsewhere meanwhile is then there.

Nothing polls while nothing runs, and who starts a training on the command line is in another window.
"""

from streamlit.components.v2 import component

_mount = component(
    "returning",
    html="<span hidden></span>",
    js="""
export default function ({ setTriggerValue }) {
  const listeners = new AbortController();
  let left = Infinity;
  window.addEventListener("blur", () => (left = Date.now()), { signal: listeners.signal });
  window.addEventListener(
    "focus",
    () => {
      if (Date.now() - left > 500) setTriggerValue("returned", true); // no dialog of the browser
      left = Infinity;
    },
    { signal: listeners.signal },
  );
  return () => listeners.abort();
}
""",
)


def rerun_on_return() -> None:
    """Runs the page again whenever its window was left and is entered again."""
    _mount(key="returning", on_returned_change=lambda: None)
