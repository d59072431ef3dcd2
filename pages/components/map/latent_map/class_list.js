// Many classes as a list over the map, opened by a button, with a field that searches their names. The arrow keys move
// within the list, Escape closes it.
import { button, element } from "../../shell/dom.js";

let lists = 0; // that were made, for their ids

export function makeClassList() {
  const id = `latent-map-classes-${++lists}`;
  let buttons = []; // of the classes
  let names = []; // theirs, in lower case
  const opener = button(() => open(panel.hidden), {
    class: "latent-map-classes-opener",
    "aria-expanded": "false",
    "aria-controls": id,
  });
  const field = element("input", { type: "search", placeholder: "Find a class", "aria-label": "Find a class" });
  const found = element("span", { class: "latent-map-classes-found", role: "status" });
  const items = element("div", { class: "latent-map-classes-items", role: "group", "aria-label": "Found classes" });
  const panel = element("div", { class: "latent-map-classes", id }, element("p", {}, field, found), items);
  panel.hidden = true;

  function open(opened) {
    panel.hidden = !opened;
    opener.setAttribute("aria-expanded", String(opened));
    if (opened) field.focus({ preventScroll: true });
  }

  const visible = () => buttons.filter((each) => !each.hidden);

  // The list is one stop of the Tab key: at this button, or at the first.
  function stopAt(target) {
    const stop = target && !target.hidden ? target : visible()[0];
    for (const each of buttons) each.tabIndex = each === stop ? 0 : -1;
  }

  function search() {
    const text = field.value.trim().toLowerCase();
    buttons.forEach((each, label) => (each.hidden = !names[label].includes(text)));
    const count = visible().length;
    found.textContent = text && `${count} ${count === 1 ? "class" : "classes"} found`;
    stopAt(null);
  }

  field.oninput = search;
  panel.addEventListener("focusin", ({ target }) => buttons.includes(target) && stopAt(target));
  panel.onkeydown = (event) => {
    const there = visible();
    const at = there.indexOf(document.activeElement); // -1 in the field
    const next = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1 };
    if (at >= 0) Object.assign(next, { Home: 0, End: there.length - 1 });
    if (event.key === "Escape") {
      open(false);
      opener.focus({ preventScroll: true });
    } else if (event.key in next && !(at < 0 && event.key !== "ArrowDown")) {
      const target = next[event.key] < 0 ? field : there[Math.min(next[event.key], there.length - 1)];
      target?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return {
    opener,
    panel,
    // Lists these buttons of classes with these names.
    show(made, classNames) {
      buttons = made;
      names = classNames.map((name) => name.toLowerCase());
      items.replaceChildren(...made);
      search();
    },
    // How many classes there are, and how many of them are hidden.
    count(all, hidden) {
      opener.textContent = hidden ? `${all - hidden} of ${all} classes` : `${all} classes`;
    },
  };
}
