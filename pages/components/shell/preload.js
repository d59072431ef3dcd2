// Has the browser fetch and compile what the page is about to import: all at once, not one import after the other, and
// while the server still runs the page.
export default function ({ data: { modules, script } }) {
  const fetched = (window.preloadedByThisApp ??= new Set());
  const preload = (path, attributes) => {
    const { href } = new URL(path, document.baseURI);
    if (fetched.has(href)) return;
    fetched.add(href);
    document.head.append(Object.assign(document.createElement("link"), { href, ...attributes }));
  };
  preload(script, { rel: "preload", as: "script" });
  for (const path of modules) preload(path, { rel: "modulepreload" });
}
