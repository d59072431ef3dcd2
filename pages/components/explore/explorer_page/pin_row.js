// The pins of a page without a server: a row of latent points, one of them chosen. Each operation returns a new row. The
// same rules as pages/components/map/pins.py.
const MOST = 24; // pins
const MOST_KEPT = MOST - 1; // there is always room for the next one

export class PinRow {
  // pins: { number, kept, places }, the oldest first. `places` has { z, index } for each map of the page: `index` of the test
  // image whose mean z is, or null; or it has null where the pin means nothing.
  constructor(pins = [], choice = -1, count = 0) {
    Object.assign(this, { pins, choice, count });
  }

  add(places) {
    const pins = [...this.pins, { number: this.count, places, kept: false }];
    const idle = pins.slice(0, -1).filter(({ kept }) => !kept);
    const leaving = idle.slice(0, Math.max(0, pins.length - MOST));
    return new PinRow(pins.filter((pin) => !leaving.includes(pin)), this.count, this.count + 1);
  }

  choose(number) {
    return new PinRow(this.pins, number, this.count);
  }

  keep(number) {
    const room = this.pins.filter(({ kept }) => kept).length < MOST_KEPT;
    const pins = this.pins.map((pin) => (pin.number === number ? { ...pin, kept: !pin.kept && room } : pin));
    return new PinRow(pins, this.choice, this.count);
  }

  // If it was chosen, the next one is, or else the one before.
  remove(number) {
    const pins = this.pins.filter((pin) => pin.number !== number);
    const next = pins.find((pin) => pin.number > number) ?? pins.at(-1);
    return new PinRow(pins, this.choice === number ? (next?.number ?? -1) : this.choice, this.count);
  }

  clear() {
    const pins = this.pins.filter(({ kept }) => kept);
    const left = pins.some(({ number }) => number === this.choice);
    return new PinRow(pins, left ? this.choice : (pins.at(-1)?.number ?? -1), this.count);
  }
}
