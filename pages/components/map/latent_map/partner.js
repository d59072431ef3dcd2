// Another map beside this one, as on the page that compares two runs: both hide the same classes, and may share their axes.
const partners = new Map(); // by the keys of their maps

const NEAR = 1e-6; // of a map's width: ranges that are the same

// Ranges [[x0, x1], [y0, y1]] that hold those of two maps.
const union = (one, other) =>
  one.map(([low, high], k) => [Math.min(low, other[k][0]), Math.max(high, other[k][1])]);

function same(one, other) {
  const near = NEAR * (one[0][1] - one[0][0]);
  return one.every((range, k) => range.every((end, i) => Math.abs(end - other[k][i]) < near));
}

export class Partner {
  wanted = null; // { key, axes }: the key of the other map, and whether axes are shared
  home = null; // the ranges of the whole map, without the other one
  following = 0; // changes of the axes on their way that the other map has asked for

  // `on` has the callbacks
  //   shown()        the ranges that the map shows, null before it is drawn
  //   part()         the same, null also while it shows all
  //   show(ranges)   moves the axes; a promise
  //   redraw()       the whole map has other ranges
  //   hide(hidden)   the other map hides these classes
  constructor(on) {
    this.on = on;
  }

  // Of the map of this key. Returns whether its axes are shared from now on.
  follow(key, wanted) {
    const begins = wanted?.axes && this.wanted && !this.wanted.axes;
    Object.assign(this, { key, wanted });
    partners.set(key, this);
    return begins;
  }

  get other() {
    return (this.wanted && partners.get(this.wanted.key)) ?? null;
  }

  // The other map, if it has the same axes.
  get sharing() {
    return this.wanted?.axes ? this.other : null;
  }

  // The ranges of the whole map as it is shown; the other map is drawn again if it has to show more.
  wholeOf(home) {
    const changed = JSON.stringify(home) !== JSON.stringify(this.home);
    this.home = home;
    const other = this.sharing;
    if (!other?.home) return home;
    if (changed) other.on.redraw();
    return union(home, other.home);
  }

  // The part that the other map shows; null if it shows all, or is not there yet.
  get part() {
    return this.sharing?.on.part() ?? null;
  }

  // The axes have moved to these ranges.
  moved(ranges) {
    if (!this.following) this.sharing?.moveAlong(ranges);
  }

  async moveAlong(ranges) {
    const shown = this.on.shown();
    if (!shown || same(shown, ranges)) return;
    this.following++;
    try {
      await this.on.show(ranges);
    } finally {
      this.following--;
    }
  }

  hid(hidden) {
    this.other?.on.hide(hidden);
  }

  end() {
    if (partners.get(this.key) === this) partners.delete(this.key);
  }
}
