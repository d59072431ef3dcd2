import { button, element } from "../../shell/dom.js";
import { named, shown } from "../../shell/hover_event.js";
import { decoders, pointSets, registry } from "../../stores/registry/registry.js";
import { pictures } from "../../stores/pictures/pictures.js";
import { momentPoints } from "../../map/latent_map/moments/moment_points.js";
import { onPlane } from "../../map/latent_map/view.js";
import { nearestImages } from "./nearest.js";
import { unpackedNumbers } from "./packed.js";
import { Part } from "./parts.js";
import { spherical, straight } from "./paths.js";
import { axisDirections, axisName, planeThrough } from "./planes.js";

const PATHS = { straight, spherical };
const [AXES, PRINCIPAL] = ["two axes", "principal components"];
const [CHOSEN, MEAN] = ["the chosen point", "the mean"];
const BESIDE = "What is drawn lies on this plane; the points lie beside it, and so may be drawn otherwise.";
const NEAREST = 6; // test images that are shown
const LONGEST = 120; // characters of a file's name

// A map with all that stands beside it. What the server does in the app is done here: pins, paths, planes and what a click
// leads to. Its components are those of the app.
export class Explorer {
  path = null; // { start, end, kind }
  region = null; // corners [x, y], and the labels of the classes that it holds
  handled = 0; // the number of the map's last event
  pinsHandled = 0; // that of the pins'
  undo = null; // { of, row }: the click of that number, and the pins before it
  points = null;

  // `shows(name)` is the function `show` of a component; `shared` the state that all explorers of the page have in common.
  constructor(content, shows, shared) {
    Object.assign(this, { content, shared });
    const { mounts, suffix } = content;
    const names = ["map", "moment", "look", "samples", "path", "nearest"].map((name) => [name, `${name}${suffix}`]);
    const parts = [...names, ...["pins", "coordinates", "curves"].map((name) => [name, name])].filter(([, key]) => mounts[key]);
    this.part = Object.fromEntries(parts.map(([name, key]) => [name, new Part(mounts[key], shows)]));
    if (content.order) {
      const axes = content.order.slice(0, 2).sort((one, two) => one - two);
      this.choice = { kind: AXES, axes, rest: CHOSEN }; // of the plane that the map shows, where there are several
    }
    this.box = this.build();
  }

  // Unpacks what the other methods need.
  async load() {
    const { data } = this.part.map.mount;
    const { pictures: packed, posteriors } = this.content;
    if (packed) {
      data.pictures = data.moments.pictures = `data:application/gzip;base64,${packed}`;
      this.real = await pictures(data.pictures);
    }
    [this.decoder, this.newest] = await Promise.all([decoders().get(data.decoder), pointSets().get(data.points)]);
    if (posteriors) {
      const values = new Float32Array((await unpackedNumbers(posteriors)).buffer);
      this.posteriors = { mean: values.subarray(0, values.length / 2), logvar: values.subarray(values.length / 2) };
    }
    this.points = this.newest;
    this.means = this.posteriors?.mean ?? this.newest.xy; // of the test images, one after the other
    if (this.content.mean.length === 1) this.means = this.means.filter((_, i) => i % 2 === 0); // on the map with log-variances
  }

  build() {
    const { content, part } = this;
    const { several } = this.shared;
    const title = several ? [element("h2", {}, content.title)] : [];
    const shared = several ? [] : this.shared.controls; // of several they stand above all
    this.summary = element("p", { class: "explorer-summary", role: "status" });
    this.removeRegion = button(() => {
      this.region = null;
      this.update();
      part.map.element.querySelector(".latent-map-plot").focus({ preventScroll: true }); // as this button is hidden now
    }, { hidden: "" }, "Remove the selection");
    const selection = element("div", { class: "explorer-selection explorer-controls component-controls" }, this.summary, this.removeRegion);
    this.pathBox = element("div", { class: "explorer-path", hidden: "" }, this.pathControls(), part.path.element);
    this.planeNote = element("p", { class: "explorer-note component-note" });
    const left = element("div", { class: "explorer-left" }, part.map.element, part.moment.element, this.planeNote);
    part.nearest?.element.prepend(element("p", { class: "explorer-summary" }, "The nearest test images"));
    const below = [part.pins, part.nearest, part.samples, part.coordinates].filter(Boolean).map((each) => each.element);
    const right = element("div", { class: "explorer-right" }, part.look.element, ...below, this.pathBox, selection);
    const name = { class: "explorer", role: "region", "aria-label": content.title };
    return element("div", { class: "explorer-room" }, element("section", name, ...title, this.controls(shared), left, right));
  }

  controls(shared) {
    const change = (made) => {
      made();
      this.update();
    };
    this.pathButton = button(() => change(() => this.joinLastPins()), { title: "Between the last two pins" }, "Path between pins");
    const all = [...shared, ...this.planeControls(change), this.pathButton];
    return element("div", { class: "explorer-controls component-controls" }, ...all);
  }

  // The widgets that choose the plane, where there are more than two latent dimensions (map/plane_picker.py).
  planeControls(change) {
    const { choice } = this;
    if (!choice) return [];
    const select = (label, options, value, chosen) => {
      const made = element("select", { "aria-label": label }, ...options.map(([each, text]) => element("option", { value: each }, text)));
      made.value = value;
      made.onchange = () => change(() => chosen(made.value));
      return [made, element("label", {}, `${label} `, made)];
    };
    const texts = (...each) => each.map((text) => [text, text]);
    const axes = ["Across", "Upwards"].map((label, side) => {
      const options = this.content.order.map((k) => [k, axisName(k)]);
      return select(label, options, choice.axes[side], (value) => {
        const before = choice.axes[side];
        choice.axes[side] = Number(value);
        if (choice.axes[0] === choice.axes[1]) choice.axes[1 - side] = before; // they change places
        axes.forEach(([made], i) => (made.value = choice.axes[i]));
        this.showPlane();
      });
    });
    const [, kind] = select("The map shows", texts(AXES, PRINCIPAL), choice.kind, (value) => {
      choice.kind = value;
      for (const [made] of axes) made.disabled = value !== AXES;
      this.showPlane();
    });
    const [, rest] = select("Other coordinates fixed at", texts(CHOSEN, MEAN), choice.rest, (value) => (choice.rest = value));
    return [kind, ...axes.map(([, label]) => label), rest];
  }

  get directions() {
    const { choice, content } = this;
    return choice.kind === AXES ? axisDirections(content.mean.length, choice.axes) : content.principal;
  }

  // A name for the directions, under which there are points.
  get planeName() {
    const { kind, axes } = this.choice;
    return kind === AXES ? axes.join() : kind;
  }

  // The points on the plane that is shown, which the map finds as those of a store.
  showPlane() {
    const { newest, posteriors } = this;
    const plane = planeThrough(this.content.mean, this.directions);
    const name = `${newest.name} ${this.planeName}`;
    this.points = { ...momentPoints(posteriors, newest, plane), values: newest.values, name };
    registry("points").keep(name, element("div"), () => this.points);
    this.region = null;
  }

  pathControls() {
    const kind = element("select", { "aria-label": "Way" }, ...Object.keys(PATHS).map((name) => element("option", {}, name)));
    kind.onchange = () => {
      this.path.kind = kind.value;
      this.update();
    };
    const remove = button(() => {
      this.path = null;
      this.update();
      this.pathButton.focus({ preventScroll: true }); // as this button is hidden now
    }, {}, "Remove the path");
    return element("div", { class: "explorer-controls component-controls" }, kind, remove);
  }

  // Shows everything in the colours of a theme; `scale` has those of numbers.
  setColours(theme, scale) {
    const { examples, colours: all } = this.content;
    const colours = all[theme];
    Object.assign(this.part.map.mount.data, { colours, scale });
    this.part.moment.mount.data.colours = examples.map((label) => colours[label]);
    this.part.samples.show();
    this.part.curves?.show();
    this.update();
  }

  // The pins that this map has, { number, kept, z, index }.
  get pins() {
    const place = ({ places }) => places[this.shared.explorers.indexOf(this)];
    return this.shared.row.pins.filter(place).map((pin) => ({ ...pin, ...place(pin) }));
  }

  get chosen() {
    return this.pins.find(({ number }) => number === this.shared.row.choice) ?? null;
  }

  get plane() {
    const { data } = this.part.map.mount;
    const { choice, content, chosen } = this;
    if (!choice) return data.plane;
    const pinned = choice.rest === CHOSEN && chosen?.z;
    return planeThrough(pinned || content.mean, this.directions);
  }

  // The names that stand before coordinates in a text: none where all are shown.
  get names() {
    return this.choice ? this.plane.names.map((name) => name.replace("principal component", "PC")) : [];
  }

  placeText(z) {
    return named(this.choice ? onPlane(z, this.plane) : z, this.names);
  }

  nameOf(index) {
    const { classes } = this.part.map.mount.data;
    return classes.length > 1 ? `${classes[this.newest.labels[index]]} · #${index}` : `#${index}`;
  }

  // z of a test image: the mean of its posterior.
  meanOf(index) {
    const size = this.content.mean.length;
    return [...this.means.subarray(size * index, size * (index + 1))];
  }

  onMap(pin) {
    return pin.index === null ? onPlane(pin.z, this.plane) : [...this.points.xy.subarray(2 * pin.index, 2 * pin.index + 2)];
  }

  // Shows everything as it is now.
  update() {
    this.showMap();
    this.showMoment();
    this.showLook();
    this.showPins();
    this.showNearest();
    this.showPath();
    this.showRegion();
    this.showCoordinates();
  }

  showMap() {
    const { plane, points, pins, chosen, path, region, part } = this;
    const { look } = this.shared;
    if (this.choice) this.planeNote.textContent = `The map shows ${this.directions.shown}. ${BESIDE}`;
    const own = chosen?.index ?? null;
    const { name, key, meaning } = look.colouring;
    part.map.show(
      {
        ...{ plane, points: points.name, layers: look.layers },
        moments: { ...part.map.mount.data.moments, points: points.name },
        ...{ colouring: key, colouringShort: name, colouringName: meaning },
        ...(this.choice && { revision: `${part.map.mount.data.revision} ${this.planeName}` }),
        pins: pins.map((pin) => this.onMap(pin)),
        pinned: pins.map(({ index }) => index),
        chosen: chosen && pins.findIndex(({ number }) => number === chosen.number),
        ellipse: own === null ? null : { at: this.onMap(chosen), covariance: [...points.covariance.subarray(3 * own, 3 * own + 3)] },
        line: path && this.along.map((z) => onPlane(z, plane)),
        region: region?.corners ?? null,
        prior: { ...part.map.mount.data.prior, at: onPlane(plane.base.map(() => 0), plane) },
        acknowledged: this.handled,
      },
      (_, events) => this.handle(events),
    );
  }

  showMoment() {
    this.part.moment.show(this.shared.linked ? {} : { linked: null });
  }

  // The events of the map, each once.
  handle(events) {
    for (const event of events.filter(({ number }) => number > this.handled)) {
      this.handled = event.number;
      if (event.kind === "click") this.click(event);
      else if (event.kind === "undo") this.undoClick(event.of);
      else if (event.kind === "line") this.path = { start: event.from, end: event.to, kind: this.path?.kind ?? "straight" };
      else if (event.kind === "region") this.region = event.corners.length ? event : null;
    }
    this.shared.updateLater();
  }

  click({ number, z, point }) {
    const { shared } = this;
    const { row } = shared;
    shared.pin(this, point === null ? z : this.meanOf(point), point);
    this.undo = { of: number, row, after: shared.row };
  }

  // The first half of a double click.
  undoClick(of) {
    const { shared, undo } = this;
    if (undo?.of === of && undo.after === shared.row) shared.row = undo.row;
  }

  showLook() {
    const { part, chosen, newest } = this;
    const elsewhere = !chosen && this.shared.row.choice >= 0; // what is chosen means nothing here
    const index = chosen?.index ?? null;
    const title = index !== null ? `Test image ${this.nameOf(index)}` : chosen ? "Free point" : "Nothing is pinned: z = 0";
    const figures = index === null ? {} : { reconstruction: newest.values.reconstruction[index], kl: newest.values.kl[index] };
    const z = chosen?.z ?? this.plane.base.map(() => 0);
    const image = index === null || !this.real ? null : textOf(this.real.levels(index));
    part.look.show({
      plane: { ...this.plane, names: this.names },
      chosen: elsewhere ? null : { number: index, reconstruction: null, kl: null, ...figures, z, title, image },
    });
  }

  showPins() {
    const { pins, part, decoder } = this;
    this.pathButton.disabled = pins.length < 2;
    const levels = pins.map(({ z }) => decoder.greyLevels(decoder.decode(z)));
    const tiles = pins.map(({ number, kept, z, index }) => {
      const [place, name] = [this.placeText(z), index === null ? "" : this.nameOf(index)];
      const exact = z.map(shortest).join(",");
      const file = `${part.pins.mount.data.run}${name && `_i${index}`}_z=${exact}`.slice(0, LONGEST);
      return {
        ...{ number, kept, text: name || place, z: place, title: name ? `test image ${name}, z = ${place}` : `z = ${exact}` },
        ...{ file, link: null, link_label: "" },
      };
    });
    const data = { pictures: textOf(joined(levels)), chosen: this.shared.row.choice, pins: tiles, query: {}, acknowledged: this.pinsHandled };
    part.pins.show(data, (_, events) => this.handlePins(events));
  }

  handlePins(events) {
    const { shared } = this;
    for (const { number, action, pin } of events.filter((each) => each.number > this.pinsHandled)) {
      this.pinsHandled = number;
      shared.row = shared.row[action](pin);
    }
    shared.updateLater();
  }

  // The real images near the chosen place, where the file has any; a click pins one.
  showNearest() {
    const { chosen, part, real } = this;
    if (!part.nearest) return;
    const z = chosen?.z ?? this.content.mean.map(() => 0);
    const found = nearestImages(z, this.means, NEAREST, chosen?.index);
    const numbers = found.map(({ index }) => index);
    const data = {
      ...{ pictures: textOf(joined(numbers.map((index) => real.levels(index)))), tiles: found.length, numbers },
      captions: found.map(({ index, distance }) => [this.nameOf(index), `${shown(distance, 3)} away`]),
    };
    part.nearest.show(data, (_, index) => {
      this.shared.pin(this, this.meanOf(index), index);
      this.shared.updateLater();
    });
  }

  joinLastPins() {
    const [from, to] = this.pins.slice(-2);
    this.path = { start: from.z, end: to.z, kind: this.path?.kind ?? "straight" };
  }

  get along() {
    return PATHS[this.path.kind](this.path.start, this.path.end);
  }

  showPath() {
    const { path, part, plane } = this;
    this.pathBox.hidden = !path;
    if (!path) return;
    const places = this.along;
    const length = places.slice(1).reduce((sum, z, i) => sum + Math.hypot(...z.map((value, k) => value - places[i][k])), 0);
    const [start, end] = [path.start, path.end].map((z) => `(${this.placeText(z)})`);
    const numbers = this.choice ? places.map((z) => onPlane(z, plane)) : places;
    part.path.show({ places, numbers, names: this.names, label: `From ${start} to ${end}, ${shown(length)} long` });
  }

  say(text) {
    this.summary.textContent = text;
  }

  // What an area of the map holds.
  showRegion() {
    const { region, points } = this;
    this.removeRegion.hidden = !region;
    if (!region) return this.say("");
    const { classes } = this.part.map.mount.data;
    const counts = new Map();
    for (let i = 0; i < points.labels.length; i++) {
      const label = points.labels[i];
      if (!region.classes.includes(label) || !isInside(points.xy[2 * i], points.xy[2 * i + 1], region.corners)) continue;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const most = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 10);
    const each = classes.length > 1 && total ? `: ${most.map(([label, count]) => `${classes[label]} (${count.toLocaleString("en")})`).join(", ")}` : "";
    this.say(`${total.toLocaleString("en")} test images selected${each}.`);
  }

  showCoordinates() {
    const { part, chosen } = this;
    if (!part.coordinates) return;
    const z = chosen?.z ?? this.plane.base.map(() => 0);
    const rows = part.coordinates.mount.data.rows.map((each) => ({ ...each, value: shortest(z[each.dimension]) }));
    part.coordinates.show({ rows }, (_, { z: place }) => {
      this.shared.pin(this, place, null);
      this.shared.updateLater();
    });
  }
}

// The levels of images, one after the other.
function joined(levels) {
  const all = new Uint8Array(levels.reduce((sum, each) => sum + each.length, 0));
  levels.forEach((each, i) => all.set(each, i * each.length));
  return all;
}

// Bytes as base64, in parts that a call's arguments have room for.
function textOf(bytes) {
  let letters = "";
  for (let start = 0; start < bytes.length; start += 8192) letters += String.fromCharCode(...bytes.subarray(start, start + 8192));
  return btoa(letters);
}

// A number with the fewest digits that identify it among float32 numbers.
function shortest(value) {
  for (let digits = 1; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(text) === Math.fround(value)) return text;
  }
  return String(value);
}

// Whether a place lies in a polygon: a ray from it crosses its edges an odd number of times.
function isInside(x, y, corners) {
  let inside = false;
  corners.forEach(([x1, y1], i) => {
    const [x0, y0] = corners.at(i - 1);
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
  });
  return inside;
}
