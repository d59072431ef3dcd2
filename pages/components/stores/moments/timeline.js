// The moment of a training that the page shows. Each timeline has a name, and all components that use that name share
// it; at each change it dispatches the event "change".
import { updateUrl } from "../../shell/links/url.js";
import { MomentCache } from "./moment_cache.js";
import { Playback } from "./playback.js";
import { alignedPosition, nearestMoment, transferredPosition } from "./alignment.js";

const NEIGHBOURS = 2; // moments on either side of the shown one that are fetched as well
const IDLE = 150; // milliseconds before these are fetched, so that they do not delay what is drawn now
const URL_DELAY = 400; // milliseconds until the step is in the URL, as browsers limit how often it is written

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

// The step in the URL parameter of this name, or null if there is no valid one.
function stepInUrl(name) {
  const text = new URLSearchParams(location.search).get(name) ?? "";
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

// Whether the URL's run, whose step stands in the parameter `name`, is this one; a URL without a run is of any.
function isRunInUrl(run, name) {
  const named = new URLSearchParams(location.search).get(name.startsWith("with_") ? "with" : "run");
  return named === null || named === run;
}

class Timeline extends EventTarget {
  constructor(name) {
    super();
    this.name = name;
  }

  run = null;
  asked = false; // whether a link or the Back button led here, and so the URL's step counts for another run, too
  stepSeen = null; // the step that was last read from the URL, or written to it
  moments = []; // { step, url, epoch, seconds, train, test }; the last is the present
  live = false; // whether the present goes on changing
  position = 0; // of the slider: a whole number is a moment, between two is the transition
  playback = new Playback({
    extent: () => [this.position, this.last],
    started: (position) => {
      this.position = position;
      this.clearFailure();
    },
    changed: () => this.notify(),
    moved: (position) => {
      this.position = position;
      this.moved();
    },
    ready: (position) => this.sides(position).map(([each, at]) => each.has(at)).every(Boolean), // asks for all
    prefetch: (position, count) => {
      for (const [each, at] of this.sides(position)) {
        each.ahead = at;
        each.prefetch(Math.ceil(at) + 1, Math.ceil(at) + count);
      }
    },
  });
  cache = new MomentCache({
    present: () => this.update(),
    absent: (decoder) => this.fail(decoder),
    arrived: (url) => this.arrived(url),
    failed: (url) => this.needs(url) && this.fail(url),
  });
  fixedAxes = true;
  remark = ""; // of the map, on what it shows of other moments
  lost = null; // the URL or decoder name of what is needed and cannot be loaded
  ahead = 0; // the next position of the animation, its own or the linked timeline's
  settled = false; // whether the scene is that of `position`
  // What is shown, null for the present: { index, loaded, before, from, to, part }, the nearest moment's index and that
  // moment; the index of the moment before, that moment and the next one, and the fraction between the two. It lags
  // behind `position` until the snapshots are here.
  scene = null;

  get last() {
    return this.moments.length - 1;
  }

  // Whether it plays, or follows a linked timeline that does.
  get played() {
    return this.playback.playing || Boolean(this.linked?.other.playback.playing);
  }

  // Whether the linked timeline is far apart, as one of the two has no moment near that of the other.
  get farApart() {
    const { other, by } = this.linked ?? {};
    if (!other?.moments.length) return false;
    const [one, two] = [this, other].map((each) => each.moments[Math.round(each.position)][by]);
    return one !== null && two !== null && Math.abs(one - two) > Math.max(one, two) / 2;
  }

  get trouble() {
    return this.lost === null ? "" : "This moment cannot be fetched. Reload the page, and try again.";
  }

  // The moment of the newest weights, or null while they are on their way.
  get present() {
    return this.cache.present;
  }

  // Shows the list of a store. `parameter` is the name of the step in the URL.
  follow({ run, live, moments, ...newest }, parameter) {
    const another = run !== this.run;
    if (another) {
      const step = this.run === null || this.asked ? stepInUrl(parameter) : null;
      [this.asked, this.stepSeen] = [false, step];
      this.playback.stop();
      [this.scene, this.lost] = [null, null];
      this.position = step === null ? moments.length - 1 : nearestMoment(step, moments);
    } else {
      this.position = transferredPosition(this.position, this.moments, moments);
      const { goal } = this.playback;
      if (goal !== null) this.playback.goal = transferredPosition(goal, this.moments, moments);
    }
    Object.assign(this, { run, live, moments, parameter });
    this.cache.follow(newest);
    if (another) this.align();
    this.update();
  }

  // Of two linked timelines, when the moments of a run have come: the one that the URL says nothing of goes to where the
  // other one is.
  align() {
    const { other, by } = this.linked ?? {};
    if (!other?.moments.length) return;
    if (this.stepSeen === null) {
      const here = other.position < other.last ? alignedPosition(other.position, other.moments, this.moments, by) : null;
      if (here !== null) this.position = here;
    } else if (other.stepSeen === null) {
      const there = alignedPosition(this.position, this.moments, other.moments, by);
      if (there !== null) other.moveAlong(there);
    }
  }

  // Removes all moments.
  leave() {
    this.playback.stop();
    clearTimeout(this.fetching);
    [this.run, this.moments, this.scene] = [null, [], null];
    this.cache.clear();
    this.position = 0;
    this.notify();
  }

  // A moment, or null while it is on its way.
  at(index) {
    return this.cache.at(this.moments[index].url);
  }

  // Makes the scene of the position, once its moments are here.
  update() {
    if (!this.moments.length) return this.notify();
    let position = reducedMotion.matches ? Math.round(this.position) : this.position;
    // There is no transition to the live moment, which changes all the time.
    if (this.live && position < this.last) position = Math.min(position, this.last - 1);
    const [before, index] = [Math.floor(position), Math.round(position)];
    const [from, to] = [this.at(before), this.at(Math.ceil(position))];
    this.settled = Boolean(from && to);
    if (this.settled) {
      const loaded = index === before ? from : to;
      this.scene = before === this.last ? null : { index, loaded, before, from, to, part: position - before };
      clearTimeout(this.fetching);
      if (this.scene) this.fetching = setTimeout(() => this.prefetch(index - NEIGHBOURS, index + NEIGHBOURS), IDLE);
    }
    this.notify();
  }

  // Called when a snapshot is here.
  arrived(url) {
    const found = this.lost === url;
    if (found) this.lost = null;
    if (found || !this.settled) this.update();
  }

  // Whether a snapshot is needed now, for the position or for the next one of an animation.
  needs(url) {
    const positions = this.played ? [this.position, this.ahead] : [this.position];
    const indices = positions.flatMap((position) => [Math.floor(position), Math.ceil(position)]);
    return indices.some((index) => this.moments[index]?.url === url);
  }

  fail(lost) {
    this.lost = lost;
    this.pause(); // playback waits until both timelines have their snapshots
    this.notify();
  }

  notify() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.writeUrl(), URL_DELAY);
    this.dispatchEvent(new Event("change"));
  }

  writeUrl() {
    if (this.playback.moving || !this.moments.length) return;
    const { step } = this.moments[Math.round(this.position)];
    this.stepSeen = this.position === this.last ? null : step;
    updateUrl({ [this.parameter]: this.stepSeen === null ? null : String(step) });
  }

  // Moves to the URL's step, the end if it has none, after a link or the Back button. The moments of another run are
  // still to come. Of two linked timelines the one that the URL says nothing of goes along with the other.
  goToUrl() {
    if (this.run === null) return;
    clearTimeout(this.writing);
    this.asked = !isRunInUrl(this.run, this.parameter);
    const step = stepInUrl(this.parameter);
    const { other } = this.linked ?? {};
    const led = step === null && other?.parameter && stepInUrl(other.parameter) !== null;
    if (this.asked || led || step === this.stepSeen) return;
    this.stepSeen = step;
    this.seek(step === null ? this.last : nearestMoment(step, this.moments));
  }

  // Links another timeline, which then moves to where `by` ("epoch", "step") is the same whenever this one is moved;
  // null unlinks. The other one is linked by a call of its own.
  link(other, by) {
    this.linked = other && { other, by };
  }

  // This timeline and a position of it, and the linked timeline and the position that it then has.
  sides(position) {
    const { other, by } = this.linked ?? {};
    const there = other ? alignedPosition(position, this.moments, other.moments, by) : null;
    return there === null ? [[this, position]] : [[this, position], [other, there]];
  }

  moved() {
    this.update();
    for (const [other, there] of this.sides(this.position).slice(1)) other.moveAlong(there);
  }

  moveAlong(position) {
    this.playback.stop();
    this.position = position;
    this.update();
  }

  // Clears the error message, when a person moves the slider.
  clearFailure() {
    for (const [each] of this.sides(this.position)) each.lost = null;
  }

  // Moves to a moment at once.
  seek(index) {
    this.clearFailure();
    this.playback.stop();
    this.position = Math.min(Math.max(index, 0), this.last);
    this.moved();
  }

  // Pauses this timeline and the linked one.
  pause() {
    this.playback.pause();
    this.linked?.other.playback.pause();
  }

  set(options) {
    Object.assign(this, options);
    this.notify();
  }

  // Whether the moments of a position are here; else they are fetched.
  has(position) {
    return [Math.floor(position), Math.ceil(position)].map((index) => this.at(index)).every(Boolean);
  }

  // Fetches moments that may be needed next.
  prefetch(first = 0, end = this.last) {
    for (const { url } of this.moments.slice(Math.max(first, 0), end + 1)) this.cache.prefetch(url);
  }
}

const timelines = new Map();

// The timeline of this name, the same for all callers.
export function timeline(name) {
  if (!timelines.has(name)) timelines.set(name, new Timeline(name));
  return timelines.get(name);
}

addEventListener("popstate", () => {
  for (const each of timelines.values()) each.goToUrl();
});
