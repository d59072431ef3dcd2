// Sets query parameters of the page's URL, each to a text, or removes it for null; without a step in the browser's
// history.
export function updateUrl(parameters) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
