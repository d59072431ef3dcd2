// Opens a link that was clicked within the app, so that the session goes on; returns whether it did. Links with a
// modifier key and those to the glossary open another tab, as the browser does by itself.
import { visit } from "../../shell/links/navigate.js";

export function openWithin(event, { glossary = false } = {}) {
  const link = event.target.closest("a[href]");
  const here = new URL(".", document.baseURI);
  if (!link?.href.startsWith(here.href)) return false;
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  if (!glossary && new URL(link.href).searchParams.has("term")) return false;
  event.preventDefault();
  visit(link.href);
  return true;
}
