"""Reruns and keyboard focus for the whole window.

- When the window gets the focus again, the page runs anew and shows what changed elsewhere, such as a
  training started on the command line: while no training runs here, only a run in trouble is polled.
- After a click, or a number that was entered, the control loses the focus, so that the space bar pauses and
  resumes the training.
- When a lost connection is restored, the page runs anew with the current URL. A restarted server has no
  fragments of the page and ignores requests for one; Streamlit (1.67) would not run the page, or with an old
  URL.
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
    // After less time, it was a dialog of the browser.
    if (Date.now() - left > 500) setTriggerValue("entered", true);
    left = Infinity;
  });
  const blurActive = () => setTimeout(() => document.activeElement?.blur());
  listen(document, "click", (event) => {
    const clicked = event.detail > 0 && event.target.closest("button, label, [role=radio], [role=switch]");
    const typedInto = "input[type=text], input[type=number], input[type=password]";
    if (clicked && !document.activeElement?.matches(typedInto)) blurActive();
  });
  listen(document, "keyup", (event) => {
    if (event.key === "Enter" && event.target.matches("input[type=number]")) blurActive();
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
  if (!app) return console.warn("Streamlit's markup has changed: after a lost connection, reload the page.");
  let before = app.dataset.testConnectionState;
  const watch = new MutationObserver(() => {
    const now = app.dataset.testConnectionState;
    // Streamlit runs the page as after the browser's Back button (links/navigate.js).
    if (now === "CONNECTED" && before !== now) dispatchEvent(new PopStateEvent("popstate"));
    before = now;
  });
  watch.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
  return () => watch.disconnect();
}
""",
)


def watch_window() -> None:
    """Reruns when the window gets the focus, and takes the focus off clicked controls."""
    _mount(key="window", on_entered_change=lambda: None)


def watch_connection() -> None:
    """Reruns when a lost connection is restored."""
    _mount_connection(key="connection")
