import { element } from "../../shell/dom.js";

// The elements of a component or a store, which the file has as a template.
export function elementsOf(name) {
  return document.querySelector(`template[data-component="${name}"]`).content.cloneNode(true);
}

// A component of the app in this page.
export class Part {
  constructor(mount, shows) {
    this.mount = mount;
    this.showIn = shows(mount.name);
    this.element = element("div", { class: `part part-${mount.name.split("/").at(-1)}` }, elementsOf(mount.name));
  }

  // Shows what the file has of it, with these changes; `report` is called with what it reports.
  show(changes = {}, report = () => {}) {
    this.showIn({ data: { ...this.mount.data, ...changes }, parentElement: this.element, setTriggerValue: report });
  }
}
