// Sets query parameters, a URLSearchParams, each to a text, or removes it for null.
export function setParameters(parameters, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) parameters.delete(name);
    else parameters.set(name, value);
  }
}

// Sets query parameters of the page's URL, without a step in the browser's history.
export function updateUrl(changes) {
  const url = new URL(location.href);
  setParameters(url.searchParams, changes);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
