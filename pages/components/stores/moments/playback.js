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

  // The callbacks of `on`:
  //   extent()                   the timeline's position, and the index of its last moment
  //   started(position)          when a person starts it, from there
  //   changed()                  when it begins, or begins to stop
  //   moved(position)            at each frame
  //   ready(position)            whether the moments of a position are here; else they are fetched
  //   prefetch(position, count)  for moments that are played next
  constructor(on) {
    this.on = on;
  }

  get moving() {
    return this.playing || this.goal !== null;
  }

  // Moves to a neighbouring moment.
  step(by) {
    const [position, last] = this.on.extent();
    const from = this.goal ?? (by > 0 ? Math.floor(position) : Math.ceil(position));
    this.on.started(position);
    this.start(false, Math.min(Math.max(from + by, 0), last));
  }

  play() {
    const [position, last] = this.on.extent();
    if (last < 1) return;
    this.on.started(position === last ? 0 : position);
    this.start(true, null);
  }

  // Stops at the nearest moment, not between two.
  pause() {
    if (this.playing) this.start(false, Math.round(this.on.extent()[0]));
  }

  // Stops at once, wherever it is.
  stop() {
    [this.playing, this.goal] = [false, null];
  }

  start(playing, goal) {
    [this.playing, this.goal, this.before] = [playing, goal, null];
    this.frame ??= requestAnimationFrame(this.go);
    this.on.changed();
  }

  // One frame; a hidden tab has none.
  go = (now) => {
    this.frame = null;
    if (!this.moving) return;
    const passed = Math.min((now - (this.before ?? now)) / 1000, MAX_FRAME);
    this.before = now;
    const [position, last] = this.on.extent();
    const to = this.playing
      ? this.playOn(position, last, (passed * this.speed) / SECONDS)
      : this.moveToGoal(position, passed / STEP_SECONDS);
    if (this.moving) this.frame ??= requestAnimationFrame(this.go);
    this.on.moved(to);
  };

  // The next position of a play.
  playOn(position, last, by) {
    const next = Math.min(position + by, last);
    // Waits for a snapshot at the moment before it, if the linked timeline has what it shows then.
    const stops = [next, Math.min(next, Math.ceil(position))];
    const to = stops.find((stop) => this.on.ready(stop)) ?? position;
    this.on.prefetch(next, AHEAD);
    if (to < last) return to;
    if (this.loop) return 0;
    this.playing = false;
    return to;
  }

  // The next position on the way to the goal.
  moveToGoal(position, by) {
    const { goal } = this;
    const distance = goal - position;
    if (Math.abs(distance) > by) return position + Math.sign(distance) * by;
    this.goal = null;
    return goal;
  }
}
