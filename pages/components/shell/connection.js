let warned = false;

// Has Streamlit run the page when a lost connection is restored, as after the browser's Back button (links/navigate.js).
export default function () {
  const app = document.querySelector("[data-testid=stApp]");
  let before = app?.dataset.testConnectionState;
  if (before === undefined) {
    if (!warned) console.warn("Streamlit's markup has changed: after a lost connection, reload the page.");
    warned = true;
    return;
  }
  const watch = new MutationObserver(() => {
    const now = app.dataset.testConnectionState;
    if (now === "CONNECTED" && before !== now) dispatchEvent(new PopStateEvent("popstate"));
    before = now;
  });
  watch.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
  return () => watch.disconnect();
}
