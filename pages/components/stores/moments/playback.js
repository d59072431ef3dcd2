// How a timeline moves by itself, frame by frame: it plays, or goes to a moment and rests there.
const SECONDS = 0.4; // from one moment to the next, at speed 1
const GLIDE = 0.15; // the same, of a single step
const LONGEST = 0.1; // seconds that a frame counts: a page that stood still goes on where it was
const AHEAD = 3; // moments that are fetched before they are played

export class Motion {
  playing = false;
  goal = null; // the moment that it goes to
  speed = 1;
  loop = false;

  // Of a timeline.
  constructor(seen) {
    this.seen = seen;
  }

  get moving() {
    return this.playing || this.goal !== null;
  }

  // To one beside that which is seen.
  step(by) {
    const { position, last } = this.seen;
    const from = this.goal ?? (by > 0 ? Math.floor(position) : Math.ceil(position));
    this.seen.forgive();
    this.start(false, Math.min(Math.max(from + by, 0), last));
  }

  play() {
    const { seen } = this;
    if (seen.last < 1) return;
    if (seen.position === seen.last) seen.position = 0;
    seen.forgive();
    this.start(true, null);
  }

  // It comes to rest at a moment, not between two.
  pause() {
    if (this.playing) this.start(false, Math.round(this.seen.position));
  }

  // At once, wherever it is.
  stop() {
    [this.playing, this.goal] = [false, null];
  }

  start(playing, goal) {
    [this.playing, this.goal, this.before] = [playing, goal, null];
    this.frame ??= requestAnimationFrame(this.go);
    this.seen.tell();
  }

  // A frame; a hidden tab has none.
  go = (now) => {
    this.frame = null;
    if (!this.moving) return;
    const passed = Math.min((now - (this.before ?? now)) / 1000, LONGEST);
    this.before = now;
    if (this.playing) this.playOn((passed * this.speed) / SECONDS);
    else this.glide(passed / GLIDE);
    if (this.moving) this.frame ??= requestAnimationFrame(this.go);
    this.seen.moved();
  };

  playOn(by) {
    const { seen } = this;
    const next = Math.min(seen.position + by, seen.last);
    // What is not here yet is waited for, at the moment before, if the linked one has what it shows then.
    const stops = [next, Math.min(next, Math.ceil(seen.position))];
    const ready = (stop) => seen.sides(stop).map(([each, at]) => each.has(at)).every(Boolean);
    seen.position = stops.find(ready) ?? seen.position;
    for (const [each, at] of seen.sides(next)) {
      each.ahead = at;
      each.fetch(Math.ceil(at) + 1, Math.ceil(at) + AHEAD);
    }
    if (seen.position < seen.last) return;
    if (this.loop) seen.position = 0;
    else this.playing = false;
  }

  glide(by) {
    const { seen, goal } = this;
    const away = goal - seen.position;
    const there = Math.abs(away) <= by;
    seen.position = there ? goal : seen.position + Math.sign(away) * by;
    if (there) this.goal = null;
  }
}
