// What is known of the moments of one run: their snapshots as they come, opened, and the present.
import { decoders } from "../registry/registry.js";
import { Opened, Present } from "./moment.js";
import { snapshotAt } from "./snapshot.js";

const OPENED = 8; // moments of which more than the file is kept

export class Known {
  decoder = null; // the name of the newest weights' one
  present = null; // once it is here
  opened = new Map(); // address -> Opened, the longest unused first

  // Of a timeline, which looks again when the present comes, and is told `lose(decoder)` when it will not, and of each
  // snapshot `arrived(address)` or `failed(address)`.
  constructor(seen) {
    this.seen = seen;
  }

  // Another run, or newer weights. `weights` are the names of the tensors that a decoder is made of, `means` those of
  // the ten pictures' posteriors.
  follow({ decoder, weights, means }) {
    this.weights = weights;
    if (decoder === this.decoder) return;
    this.forget();
    this.decoder = decoder;
    const current = (act) => (value) => this.decoder === decoder && act(value);
    const arrived = (here) => {
      this.present = new Present(here, means);
      this.seen.look();
    };
    if (decoder) decoders().get(decoder).then(current(arrived), current(() => this.seen.lose(decoder)));
  }

  forget() {
    [this.decoder, this.present] = [null, null];
    this.opened.clear();
  }

  // What is known of a moment, by the address of its snapshot, or null for the present's; null while it is on its way.
  at(address) {
    if (address === null || !this.present) return this.present;
    const snapshot = snapshotAt(address, this.seen.arrived, this.seen.failed);
    const opened = this.opened.get(address) ?? (snapshot && new Opened(snapshot, this.present.decoder, this.weights));
    if (!opened) return null;
    this.opened.delete(address);
    this.opened.set(address, opened);
    if (this.opened.size > OPENED) this.opened.delete(this.opened.keys().next().value);
    return opened;
  }

  // A moment that may be wanted next.
  fetch(address) {
    if (address !== null) snapshotAt(address, this.seen.arrived, this.seen.failed, "low");
  }
}
