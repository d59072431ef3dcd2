import { component } from "../../shell/lifecycle.js";
import { timeline } from "../../stores/moments/timeline.js";
import { bytesOf } from "../../stores/pictures/levels.js";
import { Awaited } from "../../stores/registry/awaited.js";
import { momentLists } from "../../stores/registry/registry.js";
import { drawTen } from "./reconstructions_row.js";

const OWN = "Rotations and flips are real: snapshots are not aligned.";
const PAST = "What is dimmed is of the newest weights.";
const apart = (by) => `There is no pair of moments at the same ${by} here: these are the nearest.`;
const FEW = 5;
const ONE = "Only the last moment of this run is kept. One that is trained here keeps more than twenty.";

class TimeMachine {
  listeners = new AbortController();
  drawn = null; // the moment of the ten images

  constructor(parentElement) {
    const box = (this.box = parentElement.querySelector(".time-machine"));
    const part = (name) => box.querySelector(name);
    [this.play, this.end, this.slider] = ["[data-act=play]", "[data-act=end]", "[type=range]"].map(part);
    [this.text, this.note, this.trouble] = ["text", "note", "trouble"].map((name) => part(`.time-machine-${name}`));
    this.ten = part(".time-machine-ten");
    [this.speed, this.loop, this.held] = ["select", "[name=loop]", "[name=held]"].map(part);
    this.awaited = new Awaited(momentLists(), (moments) => this.follow(moments));
    const acts = {
      play: () => (this.timeline.played ? this.timeline.pause() : this.timeline.playback.play()),
      back: () => this.timeline.playback.step(-1),
      forward: () => this.timeline.playback.step(1),
      end: () => this.timeline.seek(this.timeline.last),
    };
    for (const button of box.querySelectorAll("[data-act]")) button.onclick = acts[button.dataset.act];
    this.slider.oninput = () => this.timeline.seek(Math.round(this.slider.value));
    // All snapshots, as the next move may go to any; 30 MB at most (vae/training/schedule.py).
    this.slider.onpointerenter = this.slider.onfocus = () => this.timeline.prefetch();
    this.speed.onchange = () => (this.timeline.playback.speed = Number(this.speed.value));
    this.loop.onchange = () => (this.timeline.playback.loop = this.loop.checked);
    this.held.onchange = () => this.timeline.set({ fixedAxes: this.held.checked });
    const keys = {
      " ": acts.play,
      ArrowLeft: acts.back,
      ArrowDown: acts.back,
      ArrowRight: acts.forward,
      ArrowUp: acts.forward,
      Home: () => this.timeline.seek(0),
      End: acts.end,
    };
    box.onkeydown = (event) => {
      const own = event.target.matches("select, [type=checkbox]") || (event.target !== this.slider && event.key === " ");
      if (own || !(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
      keys[event.key]();
      event.preventDefault();
      event.stopPropagation();
    };
  }

  show({ data }) {
    this.data = data;
    if (!this.timeline) {
      this.timeline = timeline(data.key);
      this.timeline.addEventListener("change", () => this.draw(), { signal: this.listeners.signal });
      const { fixedAxes, playback } = this.timeline; // of an earlier visit to this page
      this.speed.value = playback.speed;
      this.loop.checked = playback.loop;
      this.held.checked = fixedAxes;
    }
    const { linked } = data;
    this.timeline.link(linked && timeline(linked.timeline), linked?.by);
    this.awaited.request(data.moments);
    this.draw();
  }

  follow(moments) {
    if (this.list && this.list.run !== moments.run) this.clearTen();
    this.list = moments; // the last one stays until the next is here
    this.box.dataset.moments = moments.name;
    this.drawn = null;
    this.timeline.follow(moments, this.data.address);
  }

  // Draws what has changed: at a frame of a play that is the slider's thumb only.
  draw() {
    const { timeline, box, slider, list } = this;
    if (!list || timeline.run !== list.run) return;
    box.toggleAttribute("data-single", timeline.last < 1); // a single moment needs no slider, only its room
    const { scene } = timeline;
    const end = scene ? null : this.data.end;
    const moment = timeline.moments[scene ? scene.index : timeline.last];
    slider.max = timeline.last;
    slider.value = timeline.position;
    const text = end ? end.caption : moment.caption;
    if (this.text.textContent !== text) {
      this.text.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    }
    this.drawPlay(timeline.played ? "Pause" : "Play");
    this.end.textContent = list.live || this.data.live ? "live" : "end";
    this.end.toggleAttribute("aria-current", timeline.position === timeline.last);
    const note = this.noteText(list, scene);
    if (this.note.textContent !== note) this.note.textContent = note;
    this.trouble.textContent = timeline.trouble;
    box.toggleAttribute("data-past", Boolean(scene));
    if (end?.pictures) this.drawEnd(end, moment.step);
    else this.drawMoment(list, scene ? scene.loaded : timeline.present, moment.step);
  }

  noteText(list, scene) {
    const { timeline, data } = this;
    const steps = list.missing.map((step) => step.toLocaleString("en")).join("; ");
    const damaged = steps && `Some moments are left out, as their snapshots are damaged: steps ${steps}.`;
    const count = list.moments.length;
    // One line beside OWN, which speaks of snapshots: a second one would be below the fold.
    const few = data.counts && count < FEW && !list.live && !scene && (count === 1 ? ONE : `Only ${count} are kept.`);
    const past = scene ? [data.dims && PAST, timeline.remark] : [];
    return [...past, timeline.farApart && apart(timeline.linked.by), count > 1 && OWN, few, damaged].filter(Boolean).join(" ");
  }

  drawPlay(text) {
    if (this.play.textContent === text) return;
    this.play.textContent = text;
    this.play.setAttribute("aria-label", `${text} the moments`);
  }

  drawEnd(end, step) {
    if (this.drawn === end) return;
    this.drawn = end;
    this.drawTen(bytesOf(end.pictures), bytesOf(end.reconstructions), end.count, step);
  }

  drawMoment(list, loaded, step) {
    if (!loaded || this.drawn === loaded) return;
    this.drawn = loaded;
    // Without the data set there are none.
    if (!list.means.length) return this.drawTen(null, null, 0, step);
    this.drawTen(list.pictures, loaded.decoder.greyLevels(loaded.reconstructions), list.means.length, step);
  }

  drawTen(pictures, levels, count, step) {
    this.ten.hidden = count === 0;
    if (count) drawTen(this.ten, pictures, levels, this.data.colours.slice(0, count));
    this.ten.setAttribute("aria-label", `Test images over their reconstructions, step ${step}`);
    this.box.dataset.step = step; // everything of this moment is drawn
  }

  // What another run has drawn must not stand beside this one's name.
  clearTen() {
    const { ten, box } = this;
    ten.getContext("2d").clearRect(0, 0, ten.width, ten.height);
    ten.removeAttribute("aria-label");
    delete box.dataset.step;
  }

  dispose() {
    this.listeners.abort();
    this.awaited.end();
    this.timeline.leave();
  }
}

export const show = component("timeMachine", (parentElement) => new TimeMachine(parentElement));
