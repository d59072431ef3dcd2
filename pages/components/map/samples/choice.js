// What all rows of samples on the page draw: a kind, "prior" or "aggregate", and a seed, as in the page's URL.
import { updateUrl } from "../../shell/links/url.js";

const KIND = "samples";
const SEED = "samples_seed";
const FIRST = 1; // the seed without one in the URL

class Choice extends EventTarget {
  // Takes over what the URL says.
  read() {
    const query = new URLSearchParams(location.search);
    const text = query.get(SEED) ?? "";
    this.seed = /^[0-9]{1,9}$/.test(text) ? Number(text) : FIRST;
    this.kind = query.get(KIND) === "aggregate" ? "aggregate" : "prior";
    this.dispatchEvent(new Event("change"));
  }

  // The next seed.
  again() {
    this.set({ seed: (this.seed + 1) % 1e9 });
  }

  set(changes) {
    Object.assign(this, changes);
    const { seed, kind } = this;
    updateUrl({ [KIND]: kind === "prior" ? null : kind, [SEED]: seed === FIRST ? null : String(seed) });
    this.dispatchEvent(new Event("change"));
  }
}

export const choice = new Choice();

addEventListener("popstate", () => choice.read()); // after Back, or a link to this page
