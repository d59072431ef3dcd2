// The loaded moments of one run, and the present one.
import { decoders } from "../registry/registry.js";
import { LoadedMoment, PresentMoment } from "./moment.js";
import { snapshotAt } from "./snapshot.js";

const MAX_LOADED = 8; // moments of which more than the snapshot file is kept

export class MomentCache {
  decoder = null; // the name of the newest weights' decoder
  present = null; // once that decoder is here
  loaded = new Map(); // url -> LoadedMoment, the least recently used first

  // `on` has the callbacks present() when the present moment is here, absent(decoder) when it cannot be made, and
  // arrived(url) or failed(url) for each snapshot.
  constructor(on) {
    this.on = on;
  }

  // Another run, or newer weights. `weights` are the names of the tensors that a decoder is made of, `means` those of
  // the ten pictures' posteriors.
  follow({ decoder, weights, means }) {
    this.weights = weights;
    if (decoder === this.decoder) return;
    this.clear();
    this.decoder = decoder;
    const ifCurrent = (act) => (value) => this.decoder === decoder && act(value);
    const arrived = (made) => {
      this.present = new PresentMoment(made, means);
      this.on.present();
    };
    if (decoder) decoders().get(decoder).then(ifCurrent(arrived), ifCurrent(() => this.on.absent(decoder)));
  }

  clear() {
    [this.decoder, this.present] = [null, null];
    this.loaded.clear();
  }

  // The moment whose snapshot is at a URL, or the present one for null; null while it is on its way.
  at(url) {
    if (url === null || !this.present) return this.present;
    const snapshot = snapshotAt(url, this.on.arrived, this.on.failed);
    const moment = this.loaded.get(url) ?? (snapshot && new LoadedMoment(snapshot, this.present.decoder, this.weights));
    if (!moment) return null;
    this.loaded.delete(url);
    this.loaded.set(url, moment);
    if (this.loaded.size > MAX_LOADED) this.loaded.delete(this.loaded.keys().next().value);
    return moment;
  }

  // Fetches a snapshot that may be needed next.
  prefetch(url) {
    if (url !== null) snapshotAt(url, this.on.arrived, this.on.failed, "low");
  }
}
