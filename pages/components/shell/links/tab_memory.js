// Texts by name, kept as long as the browser's tab is; or as long as its page, where the browser denies storage (a
// setting against cookies, a private window, an embedded page) or has no room for more.
const ofThisPage = new Map(); // has what was kept last, also where storage has an older text

export function keep(name, text) {
  ofThisPage.set(name, text);
  try {
    sessionStorage.setItem(name, text);
  } catch {
    // It stays in `ofThisPage`.
  }
}

// The text that was kept under a name, or null.
export function kept(name) {
  if (ofThisPage.has(name)) return ofThisPage.get(name);
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}
