// Which moment of a training is seen. Each timeline has a name, and all components that ask for it see the same; it
// tells them of every change by the event "change".
import { updateUrl } from "../../shell/links/url.js";
import { Known } from "./moment_cache.js";
import { Motion } from "./playback.js";
import { alongside, carried, nearest } from "./alignment.js";

const BESIDE = 2; // moments on either side of that which is seen, fetched as well
const IDLE = 150; // milliseconds until these are: they must not delay what is drawn now
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
  moments = []; // { step, address, epoch, seconds, train, test }; the last is the present
  live = false; // whether the present goes on changing
  position = 0; // of the slider: a whole number is a moment, between two lies the way from one to the other
  motion = new Motion(this);
  known = new Known(this);
  held = true; // whether the axes stand still
  remark = ""; // of the map, on what it shows of other moments
  lost = null; // what is wanted and cannot be fetched
  ahead = 0; // the position that a play, its own or the linked one's, wants next
  settled = false; // whether what is seen is what is asked for
  // What is seen: { index, opened, before, from, to, part }: the number of the nearest moment, and what is known of
  // it; the number of the one before, what is known of that and of the next, and how far it is from the one to the
  // other. Of the present null. It lags behind `position` where a snapshot has yet to come.
  scene = null;

  get last() {
    return this.moments.length - 1;
  }

  // Whether it plays, or goes along with one that does.
  get played() {
    return this.motion.playing || Boolean(this.linked?.other.motion.playing);
  }

  // Whether what is linked is far apart: where one of the two keeps no moment near that of the other.
  get unlike() {
    const { other, by } = this.linked ?? {};
    if (!other?.moments.length) return false;
    const [one, two] = [this, other].map((each) => each.moments[Math.round(each.position)][by]);
    return one !== null && two !== null && Math.abs(one - two) > Math.max(one, two) / 2;
  }

  get trouble() {
    return this.lost === null ? "" : "This moment cannot be fetched. Reload the page, and try again.";
  }

  // What is known of the newest weights, or null while they are on their way.
  get present() {
    return this.known.present;
  }

  // The list of a store. `address` is what the step is called in the address.
  follow({ run, live, moments, ...newest }, address) {
    if (run !== this.run) {
      const asked = this.run === null ? askedStep(address) : null;
      this.motion.stop();
      [this.scene, this.lost] = [null, null];
      this.position = asked === null ? moments.length - 1 : nearest(asked, moments);
    } else {
      this.position = carried(this.position, this.moments, moments);
      const { goal } = this.motion;
      if (goal !== null) this.motion.goal = carried(goal, this.moments, moments);
    }
    Object.assign(this, { run, live, moments, address });
    this.known.follow(newest);
    this.look();
  }

  // No moments any more.
  leave() {
    this.motion.stop();
    clearTimeout(this.fetching);
    [this.run, this.moments, this.scene] = [null, [], null];
    this.known.forget();
    this.position = 0;
    this.tell();
  }

  // What is known of a moment, or null while it is on its way.
  at(index) {
    return this.known.at(this.moments[index].address);
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
      const opened = index === before ? from : to;
      this.scene = before === this.last ? null : { index, opened, before, from, to, part: position - before };
      clearTimeout(this.fetching);
      if (this.scene) this.fetching = setTimeout(() => this.fetch(index - BESIDE, index + BESIDE), IDLE);
    }
    this.tell();
  };

  // A snapshot has come: whether it is what is waited for `look` knows.
  arrived = (address) => {
    const found = this.lost === address;
    if (found) this.lost = null;
    if (found || !this.settled) this.look();
  };

  failed = (address) => {
    if (this.wants(address)) this.lose(address);
  };

  // Whether a snapshot is of what is to be seen now, or of what a play waits for.
  wants(address) {
    const positions = this.played ? [this.position, this.ahead] : [this.position];
    const indices = positions.flatMap((position) => [Math.floor(position), Math.ceil(position)]);
    return indices.some((index) => this.moments[index]?.address === address);
  }

  lose(lost) {
    this.lost = lost;
    this.pause(); // the linked one would wait for ever
    this.tell();
  }

  tell() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), RESTED);
    this.dispatchEvent(new Event("change"));
  }

  write() {
    if (this.motion.moving || !this.moments.length) return;
    const { step } = this.moments[Math.round(this.position)];
    updateUrl({ [this.address]: this.position === this.last ? null : String(step) });
  }

  // Another timeline goes along wherever this one is moved, and the other way round, to where `by` ("epoch", "step")
  // is the same; null: none.
  link(other, by) {
    this.linked = other && { other, by };
  }

  // This one at a position, and where the linked one is then.
  sides(position) {
    const { other, by } = this.linked ?? {};
    const there = other ? alongside(position, this.moments, other.moments, by) : null;
    return there === null ? [[this, position]] : [[this, position], [other, there]];
  }

  moved() {
    this.look();
    for (const [other, there] of this.sides(this.position).slice(1)) other.goAlong(there);
  }

  goAlong(position) {
    this.motion.stop();
    this.position = position;
    this.look();
  }

  // A person wants something else: what was lacking is forgotten.
  forgive() {
    for (const [each] of this.sides(this.position)) each.lost = null;
  }

  // To a moment, at once.
  seek(index) {
    this.forgive();
    this.motion.stop();
    this.position = Math.min(Math.max(index, 0), this.last);
    this.moved();
  }

  // Whichever of the two plays.
  pause() {
    this.motion.pause();
    this.linked?.other.motion.pause();
  }

  set(options) {
    Object.assign(this, options);
    this.tell();
  }

  // Whether all is here that is seen at a position; else it is fetched.
  has(position) {
    return [Math.floor(position), Math.ceil(position)].map((index) => this.at(index)).every(Boolean);
  }

  // Moments that may be wanted next.
  fetch(first = 0, end = this.last) {
    for (const { address } of this.moments.slice(Math.max(first, 0), end + 1)) this.known.fetch(address);
  }
}

const timelines = new Map();

// That of a name; the same for all who ask.
export function timeline(name) {
  if (!timelines.has(name)) timelines.set(name, new Timeline(name));
  return timelines.get(name);
}
