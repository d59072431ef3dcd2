import { Awaited } from "../registry/awaited.js";
import { decoders } from "../registry/registry.js";
import { timeline } from "./timeline.js";

// The decoder of the moment that a timeline shows; at the timeline's end, and without a timeline, the newest one.
export class MomentDecoder {
  listeners = new AbortController();

  // `changed()` is called when the value is another one than at the last request or call.
  constructor(changed) {
    this.notify = () => {
      if (this.known === this.value) return;
      this.known = this.value;
      changed();
    };
    this.newest = new Awaited(decoders(), this.notify);
  }

  // Requests the newest decoder, or none for null; follows the timeline, which stays that of the first call that names
  // one.
  request(decoderName, timelineName) {
    if (timelineName && !this.timeline) {
      this.timeline = timeline(timelineName);
      this.timeline.addEventListener("change", this.notify, { signal: this.listeners.signal });
    }
    this.wanted = decoderName;
    if (decoderName) this.newest.request(decoderName);
    this.known = this.value;
  }

  // What is loaded of the earlier moment that is shown, or null at the newest.
  get moment() {
    return this.timeline?.scene?.loaded ?? null;
  }

  // Null until the newest is here.
  get value() {
    return this.wanted && this.newest.value && (this.moment?.decoder ?? this.newest.value);
  }

  end() {
    this.listeners.abort();
    this.newest.end();
  }
}
