// Which moment of a training is seen. Each timeline has a name, and all components that ask for it see the same; it
// tells them of every change by the event "change".
import { say } from "../links/address.js";
import { decoders } from "../stores/registry.js";
import { Opened, Present } from "./opened.js";
import { snapshotAt } from "./snapshot.js";

const SECONDS = 0.4; // from one moment to the next, at speed 1
const GLIDE = 0.15; // the same, of a single step
const LONGEST = 0.1; // seconds that a frame counts: a page that stood still goes on where it was
const AHEAD = 3; // moments that are fetched before they are played
const BESIDE = 2; // moments on either side of that which is seen, fetched as well
const IDLE = 150; // milliseconds until these are: they must not delay what is drawn now
const OPENED = 8; // moments of which more than the file is kept
const RESTED = 400; // milliseconds until the address says it: browsers let it be written only so often

const still = matchMedia("(prefers-reduced-motion: reduce)");

// The step that the address gives this name, or null; nonsense is none.
function askedStep(name) {
  const asked = new URLSearchParams(location.search).get(name) ?? "";
  return /^[0-9]{1,15}$/.test(asked) ? Number(asked) : null;
}

class Timeline extends EventTarget {
  constructor(name) {
    super();
    this.name = name;
  }

  run = null;
  moments = []; // { step, address, epoch, seconds, losses }; the last is the present
  live = false; // whether the present goes on changing
  position = 0; // of the slider: a whole number is a moment, between two lies the way from one to the other
  goal = null; // where a step leads
  playing = false;
  speed = 1;
  loop = false;
  held = true; // whether the axes stand still
  trouble = "";
  settled = false; // whether what is seen is what is asked for
  // What is seen: { index, opened, before, from, to, part }: the number of the nearest moment, and what is known of
  // it; the number of the one before, what is known of that and of the next, and how far it is from the one to the
  // other. Of the present null. It lags behind `position` where a snapshot has yet to come.
  scene = null;
  opened = new Map(); // address -> Opened, the longest unused first

  get last() {
    return this.moments.length - 1;
  }

  get moving() {
    return this.playing || this.goal !== null;
  }

  // The list of a store. `address` is what the step is called in the address.
  follow({ run, live, moments, decoder, weights, means }, address) {
    const another = run !== this.run;
    const asked = this.run === null ? askedStep(address) : null;
    const seen = this.position === this.last ? null : this.moments[Math.round(this.position)]?.step;
    const step = another ? asked : seen;
    const index = moments.findIndex((moment) => moment.step === step);
    if (another) [this.playing, this.goal, this.scene] = [false, null, null];
    // A play goes on where it was; who stands at the end follows it.
    const on = another ? 0 : this.position - Math.round(this.position);
    Object.assign(this, { run, live, moments, weights, address });
    this.position = index < 0 ? this.last : Math.min(Math.max(index + on, 0), this.last);
    if (decoder !== this.decoder) {
      this.decoder = decoder;
      this.present = null;
      this.opened.clear();
      const arrived = (here) => {
        if (this.decoder !== decoder) return;
        this.present = new Present(here, means);
        this.look();
      };
      if (decoder) decoders().get(decoder).then(arrived, this.failed);
    }
    this.look();
  }

  // No moments any more.
  leave() {
    this.pause();
    clearTimeout(this.fetching);
    [this.run, this.decoder, this.moments, this.scene] = [null, null, [], null];
    this.position = 0;
    this.tell();
  }

  // What is known of a moment, or null while it is on its way.
  at(index) {
    const { address } = this.moments[index];
    if (address === null || !this.present) return this.present;
    const snapshot = snapshotAt(address, this.arrived, this.failed);
    const opened = this.opened.get(address) ?? (snapshot && new Opened(snapshot, this.present.decoder, this.weights));
    if (!opened) return null;
    this.opened.delete(address);
    this.opened.set(address, opened);
    if (this.opened.size > OPENED) this.opened.delete(this.opened.keys().next().value);
    return opened;
  }

  look = () => {
    if (!this.moments.length) return this.tell();
    let position = still.matches ? Math.round(this.position) : this.position;
    // There is no way to what changes all the time.
    if (this.live && position < this.last) position = Math.min(position, this.last - 1);
    const [before, index] = [Math.floor(position), Math.round(position)];
    const [from, to] = [this.at(before), this.at(Math.ceil(position))];
    this.settled = Boolean(from && to);
    if (this.settled) {
      this.trouble = "";
      const opened = index === before ? from : to;
      this.scene = before === this.last ? null : { index, opened, before, from, to, part: position - before };
      clearTimeout(this.fetching);
      if (this.scene) this.fetching = setTimeout(() => this.fetch(index - BESIDE, index + BESIDE), IDLE);
    }
    this.tell();
  };

  // A snapshot has come: whether it is what is waited for `look` knows.
  arrived = () => {
    if (!this.settled) this.look();
  };

  failed = () => {
    if (this.settled && !this.playing) return; // it was not wanted yet
    this.pause();
    this.trouble = "This moment cannot be fetched. Reload the page, and try again.";
    this.tell();
  };

  tell() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), RESTED);
    this.dispatchEvent(new Event("change"));
  }

  write() {
    if (this.moving || !this.moments.length) return;
    const { step } = this.moments[Math.round(this.position)];
    say({ [this.address]: this.position === this.last ? null : String(step) });
  }

  // To a moment, at once.
  seek(index) {
    [this.playing, this.goal] = [false, null];
    this.position = Math.min(Math.max(index, 0), this.last);
    this.moved();
  }

  // Another timeline goes along wherever this one is moved, to where `by` ("epoch", "step") is the same; null: none.
  link(other, by) {
    this.linked = other && { other, by };
  }

  moved() {
    this.look();
    const { other, by } = this.linked ?? {};
    if (!other?.moments.length) return;
    const [before, after] = [Math.floor(this.position), Math.ceil(this.position)].map((at) => this.moments[at][by]);
    other.goAlong(before + (this.position % 1) * (after - before), by);
  }

  // To where `by` is so much, or to an end.
  goAlong(value, by) {
    const values = this.moments.map((moment) => moment[by]);
    const next = values.findIndex((each) => each > value);
    [this.playing, this.goal] = [false, null];
    if (next < 0) this.position = this.last;
    else if (next === 0) this.position = 0;
    else this.position = next - 1 + (value - values[next - 1]) / (values[next] - values[next - 1]);
    this.look();
  }

  // To one beside that which is seen.
  step(by) {
    const from = this.goal ?? (by > 0 ? Math.floor(this.position) : Math.ceil(this.position));
    this.playing = false;
    this.goal = Math.min(Math.max(from + by, 0), this.last);
    this.start();
  }

  play() {
    if (this.last < 1) return;
    if (this.position === this.last) this.position = 0;
    [this.playing, this.goal] = [true, null];
    this.start();
  }

  // It comes to rest at a moment, not between two.
  pause() {
    const moving = this.playing;
    this.playing = false;
    if (!moving) return;
    this.goal = Math.round(this.position);
    this.start();
  }

  set(options) {
    Object.assign(this, options);
    this.tell();
  }

  start() {
    this.before = null;
    this.frame ??= requestAnimationFrame(this.go);
    this.tell();
  }

  // A frame of a play or a step; a hidden tab has none.
  go = (now) => {
    this.frame = null;
    if (!this.moving || !this.moments.length) return;
    const passed = Math.min((now - (this.before ?? now)) / 1000, LONGEST);
    this.before = now;
    if (this.playing) this.playOn((passed * this.speed) / SECONDS);
    else this.glide(passed / GLIDE);
    if (this.moving) this.frame ??= requestAnimationFrame(this.go);
    this.moved();
  };

  playOn(by) {
    const next = Math.min(this.position + by, this.last);
    this.fetch(Math.ceil(next) + 1, Math.ceil(next) + AHEAD);
    // A moment that is not here yet is waited for, at the one before.
    const here = this.at(Math.floor(next)) && this.at(Math.ceil(next));
    this.position = here ? next : Math.min(next, Math.ceil(this.position));
    if (this.position < this.last) return;
    if (this.loop) this.position = 0;
    else this.playing = false;
  }

  glide(by) {
    const away = this.goal - this.position;
    this.position = Math.abs(away) <= by ? this.goal : this.position + Math.sign(away) * by;
    if (this.position === this.goal) this.goal = null;
  }

  // Moments that may be wanted next.
  fetch(first = 0, end = this.last) {
    for (const { address } of this.moments.slice(Math.max(first, 0), end + 1))
      if (address !== null) snapshotAt(address, this.arrived, this.failed, "low");
  }
}

const timelines = new Map();

// That of a name; the same for all who ask.
export function timeline(name) {
  if (!timelines.has(name)) timelines.set(name, new Timeline(name));
  return timelines.get(name);
}
