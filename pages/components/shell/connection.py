"""What concerns the whole window: its focus, and its connection to the server.

- When the window is entered again, the page runs anew: what happened elsewhere meanwhile is then there.
  Only a run in trouble is polled while nothing runs, and who starts a training on the command line is in
  another window.
- What was clicked, or a number that was entered, gives up the keyboard: the space bar pauses and resumes.
- When the connection is there again, the page runs anew, with the address as it stands. A server that was
  started meanwhile knows no fragment of the page, and lets go what is asked of one; and Streamlit (1.67)
  would not run the page, or else with an older address.
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
    const written = "input[type=text], input[type=number], input[type=password]";
    if (clicked && !document.activeElement?.matches(written)) giveUp();
  });
  listen(document, "keyup", (event) => {
    if (event.key === "Enter" && event.target.matches("input[type=number]")) giveUp();
  });
  return () => listeners.abort();
}
""",
)

_mount_connection = component(
    "connection",
    html="<span hidden></span>",
    js="""
export default function () {
  const app = document.querySelector("[data-testid=stApp]");
  let before = app.dataset.testConnectionState;
  const watch = new MutationObserver(() => {
    const now = app.dataset.testConnectionState;
    // As if one had come back to this page by the browser's own buttons (links/follow.js).
    if (now === "CONNECTED" && before !== now) dispatchEvent(new PopStateEvent("popstate"));
    before = now;
  });
  watch.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
  return () => watch.disconnect();
}
""",
)


def watch_window() -> None:
    """Does the first two, as long as the page is shown."""
    _mount(key="window", on_entered_change=lambda: None)


def watch_connection() -> None:
    """Does the third."""
    _mount_connection(key="connection")
