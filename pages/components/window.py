"""What concerns the whole window: its focus.

- When the window is entered again, the page runs anew: what happened elsewhere meanwhile is then there.
  Nothing polls while nothing runs, and who starts a training on the command line is in another window.
- What was clicked, or a number that was entered, gives up the keyboard: the space bar pauses and resumes.
"""

from streamlit.components.v2 import component

_mount = component(
    "window",
    html="<span hidden></span>",
    js="""
export default function ({ setTriggerValue }) {
  const listeners = new AbortController();
  const listen = (target, type, handler) =>
    target.addEventListener(type, handler, { signal: listeners.signal, capture: true });
  let left = Infinity;
  listen(window, "blur", (event) => {
    if (event.target === window) left = Date.now();
  });
  listen(window, "focus", (event) => {
    if (event.target !== window) return;
    if (Date.now() - left > 500) setTriggerValue("entered", true); // no dialog of the browser
    left = Infinity;
  });
  const giveUp = () => setTimeout(() => document.activeElement?.blur());
  listen(document, "click", (event) => {
    const clicked = event.detail > 0 && event.target.closest("button, label, [role=radio], [role=switch]");
    if (clicked && !document.activeElement?.matches("input[type=text], input[type=number]")) giveUp();
  });
  listen(document, "keyup", (event) => {
    if (event.key === "Enter" && event.target.matches("input[type=number]")) giveUp();
  });
  return () => listeners.abort();
}
""",
)


def watch_window() -> None:
    """Does both, as long as the page is shown."""
    _mount(key="window", on_entered_change=lambda: None)
