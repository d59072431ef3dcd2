// Reports "entered" when the window gets the focus again, and takes the focus off controls that were clicked.
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
