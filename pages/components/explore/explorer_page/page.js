// The page of an HTML file that explores trained models by itself (explore/page_file.py).
import { element } from "../../shell/dom.js";
import { Explorer } from "./explorer.js";
import { elementsOf } from "./parts.js";
import { unpacked, unpackedNumbers } from "./packed.js";
import { SharedState } from "./shared_state.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

// `modules` has the exports of all modules by their names: what mounts a component, by that of its folder.
export async function start(modules) {
  const parts = [...document.querySelectorAll('script[type="application/json"]')];
  const page = JSON.parse(parts.map((part) => part.textContent).join(""));
  const main = document.querySelector("main");
  main.prepend(heading(page));
  window.plotlyOfThisApp = Promise.resolve(window.Plotly);
  const addresses = await addressesOf(page.moments);
  for (const store of page.stores) await fillStore(main, store, modules[`${store.name}.js`].default, addresses);
  const shows = (name) => modules[`${name}/component.js`].show;
  const shared = new SharedState(page);
  const { several } = shared;
  const explorers = page.explorers.map((each) => new Explorer(each, shows, shared));
  shared.explorers = explorers;
  await Promise.all(explorers.map((each) => each.load()));
  if (several) main.append(element("div", { class: "explorer-controls component-controls" }, ...shared.controls));
  main.append(element("div", { class: "explorers", "data-count": explorers.length }, ...explorers.map(({ box }) => box)));
  main.append(explorers[0].part.curves.element, ...page.explorers.map((each) => about(each, several)), footer(page.maker));
  const draw = () => {
    const theme = dark.matches ? "dark" : "light";
    for (const explorer of explorers) explorer.setColours(theme, page.scales[theme]);
  };
  dark.addEventListener("change", draw);
  draw();
  document.getElementById("waiting").remove();
}

// Addresses of files by their names.
async function addressesOf(files) {
  const entries = Object.entries(files).map(async ([name, text]) => [name, URL.createObjectURL(new Blob([await unpacked(text)]))]);
  return Object.fromEntries(await Promise.all(entries));
}

// A store of the app, filled with what stands in the file: a line of JSON, and bytes.
async function fillStore(main, { name, data, grouped }, show, addresses) {
  const parentElement = element("div", {}, elementsOf(name));
  main.append(parentElement);
  const bytes = await (grouped ? unpackedNumbers(data) : unpacked(data));
  show({ data: withAddresses(bytes, addresses), parentElement });
}

// The same; in a list of moments with addresses in place of the names of files.
function withAddresses(bytes, addresses) {
  const end = bytes.indexOf("\n".charCodeAt(0));
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  if (!head.moments) return bytes;
  for (const moment of head.moments) if (moment.url) moment.url = addresses[moment.url];
  const line = new TextEncoder().encode(JSON.stringify(head));
  const all = new Uint8Array(line.length + bytes.length - end);
  all.set(line);
  all.set(bytes.subarray(end), line.length);
  return all;
}

function heading({ title, paragraphs }) {
  return element("header", {}, element("h1", {}, title), ...paragraphs.map((each) => element("p", {}, each)));
}

function about({ title, settings, data }, several) {
  const rows = settings.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)));
  const summary = element("summary", {}, several ? `Settings of ${title}` : "Settings and data");
  return element("details", { class: "about" }, summary, element("table", {}, ...rows), element("p", {}, data));
}

function footer({ text, address }) {
  // In a new tab, as the file may stand in a frame.
  const maker = address ? element("a", { href: address, target: "_blank", rel: "noopener" }, text) : text;
  return element("footer", {}, "Made with ", maker, ". Everything on this page is computed in this browser; nothing is loaded.");
}
