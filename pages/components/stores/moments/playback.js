// Animation of a timeline, frame by frame: it plays, or moves to one moment and stops there.
const SECONDS = 0.4; // from one moment to the next, at speed 1
const STEP_SECONDS = 0.15; // of a single step
const MAX_FRAME = 0.1; // seconds that a frame counts at most: a page that did not draw goes on where it was
const AHEAD = 3; // moments that are fetched before they are played

export class Playback {
  playing = false;
  goal = null; // the index of the moment that it moves to
  speed = 1;
  loop = false;

  constructor(timeline) {
    this.timeline = timeline;
  }

  get moving() {
    return this.playing || this.goal !== null;
  }

  // Moves to a neighbouring moment.
  step(by) {
    const { position, last } = this.timeline;
    const from = this.goal ?? (by > 0 ? Math.floor(position) : Math.ceil(position));
    this.timeline.clearFailure();
    this.start(false, Math.min(Math.max(from + by, 0), last));
  }

  play() {
    const { timeline } = this;
    if (timeline.last < 1) return;
    if (timeline.position === timeline.last) timeline.position = 0;
    timeline.clearFailure();
    this.start(true, null);
  }

  // Stops at the nearest moment, not between two.
  pause() {
    if (this.playing) this.start(false, Math.round(this.timeline.position));
  }

  // Stops at once, wherever it is.
  stop() {
    [this.playing, this.goal] = [false, null];
  }

  start(playing, goal) {
    [this.playing, this.goal, this.before] = [playing, goal, null];
    this.frame ??= requestAnimationFrame(this.go);
    this.timeline.notify();
  }

  // One frame; a hidden tab has none.
  go = (now) => {
    this.frame = null;
    if (!this.moving) return;
    const passed = Math.min((now - (this.before ?? now)) / 1000, MAX_FRAME);
    this.before = now;
    if (this.playing) this.playOn((passed * this.speed) / SECONDS);
    else this.moveToGoal(passed / STEP_SECONDS);
    if (this.moving) this.frame ??= requestAnimationFrame(this.go);
    this.timeline.moved();
  };

  playOn(by) {
    const { timeline } = this;
    const next = Math.min(timeline.position + by, timeline.last);
    // Waits for a snapshot at the moment before it, if the linked timeline has what it shows then.
    const stops = [next, Math.min(next, Math.ceil(timeline.position))];
    const ready = (stop) => timeline.sides(stop).map(([each, at]) => each.has(at)).every(Boolean);
    timeline.position = stops.find(ready) ?? timeline.position;
    for (const [each, at] of timeline.sides(next)) {
      each.ahead = at;
      each.prefetch(Math.ceil(at) + 1, Math.ceil(at) + AHEAD);
    }
    if (timeline.position < timeline.last) return;
    if (this.loop) timeline.position = 0;
    else this.playing = false;
  }

  moveToGoal(by) {
    const { timeline, goal } = this;
    const distance = goal - timeline.position;
    const there = Math.abs(distance) <= by;
    timeline.position = there ? goal : timeline.position + Math.sign(distance) * by;
    if (there) this.goal = null;
  }
}
