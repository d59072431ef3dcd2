// The bar of a lesson: where one is, and what moves on. The steps are elements of the page around it.
import { component } from "../../shell/lifecycle.js";
import { keep, kept } from "../../shell/links/tab_memory.js";
import { visit } from "../../shell/links/navigate.js";
import { updateUrl } from "../../shell/links/url.js";
import { filled } from "./filled.js";
import { keepProgress, progress } from "./progress.js";
import { openWithin } from "./open.js";

const URL_EVERY = 1000; // milliseconds: when the server writes the URL, it does not know the step
const FOLDED = "lesson folded";
const NARROW = matchMedia("(max-width: 640px)");
let sought = null; // the part of a page to scroll to; the bar of the page that a link opens may be another object

class LessonBar {
  listeners = new AbortController();
  at = 1;

  constructor(parentElement) {
    const box = (this.box = parentElement.querySelector(".lesson-bar"));
    const act = (name) => box.querySelector(`[data-act=${name}]`);
    [this.previous, this.next, this.fold, this.close] = ["previous", "next", "fold", "close"].map(act);
    const part = (selector) => box.querySelector(selector);
    [this.style, this.heading, this.place] = ["style", ".lesson-heading", ".lesson-at"].map(part);
    this.frame = box.closest("[class*=st-key-lesson_frame_]");
    this.previous.onclick = () => this.move(this.at - 1);
    this.next.onclick = () => (this.isLast ? this.openNext() : this.move(this.at + 1));
    this.fold.onclick = () => this.setFolded(!this.folded);
    this.heading.onclick = () => this.setFolded(false);
    this.close.onclick = () => this.end();
    const { signal } = this.listeners;
    this.frame.addEventListener("click", (event) => this.follow(event), { signal });
    window.addEventListener("popstate", () => this.readUrl(), { signal });
    for (const event of ["wheel", "touchmove"])
      window.addEventListener(event, () => (sought = null), { signal, passive: true });
    this.writing = setInterval(() => {
      this.writeUrl();
      this.scrollToPart();
    }, URL_EVERY);
  }

  show({ data, setTriggerValue }) {
    const another = this.data?.number !== data.number;
    Object.assign(this, { data, report: setTriggerValue, goingOn: data.goingOn });
    if (another) {
      this.at = progress(data.number).at;
      this.readUrl();
    }
    // Streamlit gives the theme's colours to components, and not to the page around them.
    for (const name of ["--st-background-color", "--st-border-color"])
      this.frame.style.setProperty(name, getComputedStyle(this.box).getPropertyValue(name));
    const { texts, title, number } = data;
    this.box.setAttribute("aria-label", `${filled(texts.lesson, { number: Number(number) })}: ${title}`);
    this.previous.textContent = data.frame === "page" ? `‹ ${texts.previous}` : "‹";
    this.previous.setAttribute("aria-label", texts.previous);
    this.label(this.close, texts.close);
    this.frame.toggleAttribute("data-folded", data.frame === "card" && kept(FOLDED) === "true");
    this.fold.hidden = this.close.hidden = data.frame === "page";
    this.draw();
    this.writeUrl();
  }

  get folded() {
    return this.frame.hasAttribute("data-folded");
  }

  setFolded(folded) {
    keep(FOLDED, String(folded)); // the card of another page may be another element
    this.frame.toggleAttribute("data-folded", folded);
    this.draw();
  }

  // Takes the step from the URL, if it is one of this lesson, and the part that a link asks for.
  readUrl() {
    const query = new URLSearchParams(location.search);
    const part = query.get("part") ?? "";
    if (/^[a-z0-9-]+$/.test(part)) sought = `[data-on-screen=${part}], .st-key-on_screen_${part}`;
    const at = query.get("at") ?? "";
    if (Number(query.get("lesson")) === Number(this.data.number) && /^[0-9]{1,2}$/.test(at)) this.at = Number(at);
    this.at = Math.min(Math.max(this.at, 1), this.data.steps.length);
    this.draw();
  }

  writeUrl() {
    const { number, language } = this.data ?? {};
    if (!this.goingOn) return;
    updateUrl({ lesson: number, at: String(this.at), language: language === "en" ? null : language, part: null });
  }

  // Scrolls once to the part that a link asked for, as soon as it is there and has stopped moving.
  scrollToPart() {
    const part = sought && document.querySelector(sought);
    const top = part?.checkVisibility() ? part.getBoundingClientRect().top : null;
    if (top !== null && top === this.top) {
      part.scrollIntoView({ block: "nearest" });
      sought = null;
    }
    this.top = top;
  }

  move(at) {
    this.at = Math.min(Math.max(at, 1), this.data.steps.length);
    if (!this.goingOn) {
      this.goingOn = true;
      this.report("begun", this.data.number);
    }
    this.draw();
    this.writeUrl();
    this.frame.scrollTop = 0;
  }

  get isLast() {
    return this.at === this.data.steps.length;
  }

  // The lesson after this one, on the Learn page.
  openNext() {
    const { following, language } = this.data;
    visit(new URL(`learn?${new URLSearchParams({ lesson: following, at: 1, language })}`, document.baseURI));
  }

  end() {
    clearInterval(this.writing);
    this.goingOn = false;
    keep(FOLDED, "false");
    updateUrl({ lesson: null, at: null, language: null });
    this.report("ended", true);
  }

  // Opens a link of a step within the app; on a phone what it opens is to be seen.
  follow(event) {
    if (!openWithin(event)) return;
    if (!NARROW.matches) return;
    if (this.data.frame === "card") this.setFolded(true);
    else keep(FOLDED, "true"); // of the card that comes
  }

  draw() {
    const { at, data, folded } = this;
    const count = data.steps.length;
    const own = `lesson_step_${data.frame}_`;
    const others = `[class*="st-key-${own}"]:not(.st-key-${own}${at})`;
    this.style.textContent = `${others}, [data-testid="stLayoutWrapper"]:has(> ${others}) { display: none; }`;
    this.frame.dataset.at = at;
    this.heading.textContent = folded ? data.steps[at - 1] : "";
    this.place.textContent = filled(data.texts.step, { at, count });
    // The card has no room for it beside "Next lesson".
    this.place.hidden = data.frame === "card" && this.isLast && data.following !== null;
    this.previous.disabled = at === 1;
    this.next.disabled = this.isLast && data.following === null;
    const next = this.isLast && data.following ? data.texts.nextLesson : data.texts.next;
    this.next.textContent = data.frame === "page" || next !== data.texts.next ? `${next} ›` : "›";
    this.next.setAttribute("aria-label", next);
    this.fold.textContent = folded ? "▴" : "▾";
    this.fold.setAttribute("aria-expanded", !folded);
    this.label(this.fold, folded ? data.texts.unfold : data.texts.fold);
    if (this.goingOn) keepProgress(data.number, at);
  }

  label(button, text) {
    button.title = text;
    button.setAttribute("aria-label", text);
  }

  dispose() {
    clearInterval(this.writing);
    this.listeners.abort();
  }
}

export const show = component("lessonBar", (parentElement) => new LessonBar(parentElement));
