// Has the address say of each name a text, or nothing for null; it leaves no step in the browser's history.
export function say(address) {
  const here = new URL(location.href);
  for (const [name, value] of Object.entries(address)) {
    if (value === null) here.searchParams.delete(name);
    else here.searchParams.set(name, value);
  }
  if (here.href !== location.href) history.replaceState(history.state, "", here);
}
