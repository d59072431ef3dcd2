import { component } from "../../shell/lifecycle.js";
import { element } from "../../shell/dom.js";
import { filled } from "../lesson_view/filled.js";
import { openWithin } from "../lesson_view/open.js";
import { progress } from "../lesson_view/progress.js";

class LessonList {
  listeners = new AbortController();

  constructor(parentElement) {
    this.box = parentElement.querySelector(".lesson-list");
    [this.languages, this.list, this.glossary] = this.box.children;
    const { signal } = this.listeners;
    this.box.addEventListener("click", (event) => openWithin(event, { glossary: true }), { signal });
    window.addEventListener("lesson-progress", () => this.draw(), { signal });
  }

  show({ data }) {
    this.data = data;
    this.draw();
  }

  // A link to the Learn page with these parameters and the language.
  link(query, current, ...children) {
    const parameters = new URLSearchParams({ ...query, language: this.data.language, ...query });
    const link = element("a", { href: new URL(`learn?${parameters}`, document.baseURI) }, ...children);
    if (current) link.setAttribute("aria-current", "true");
    return link;
  }

  draw() {
    const { lessons, shown, language, languages, texts } = this.data;
    this.box.setAttribute("aria-label", texts.lessons);
    const place = shown === null ? { term: "" } : { lesson: shown, at: progress(shown).at };
    this.languages.setAttribute("aria-label", texts.language);
    this.languages.replaceChildren(
      ...Object.entries(languages).map(([code, name]) => {
        const link = this.link({ ...place, language: code }, code === language, name);
        link.lang = code;
        return link;
      }),
    );
    this.list.replaceChildren(...lessons.map((lesson) => element("li", {}, this.item(lesson))));
    this.glossary.replaceChildren(this.link({ term: "" }, shown === null, texts.glossary));
  }

  item({ number, title, minutes, steps }) {
    const { shown, texts } = this.data;
    const { at, seen } = progress(number);
    const far = seen === 0 ? "" : seen >= steps ? texts.done : filled(texts.step, { at: seen, count: steps });
    return this.link(
      { lesson: number, at },
      number === shown,
      element("span", { class: "lesson-list-number" }, String(Number(number))),
      element("span", { class: "lesson-list-title" }, title),
      element("span", { class: "lesson-list-progress" }, [minutes, far].filter(Boolean).join(" · ")),
    );
  }

  dispose() {
    this.listeners.abort();
  }
}

export const show = component("lessonList", (parentElement) => new LessonList(parentElement));
