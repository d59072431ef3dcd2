// How far one is in each lesson, in this tab; the window event "lesson-progress" says that it changed.
import { keep, kept } from "../../shell/links/tab_memory.js";

const name = (number) => `lesson ${number}`;

// The step where a lesson was left, from 1, and the furthest one that was seen, 0 for none.
export function progress(number) {
  const [at, seen] = (kept(name(number)) ?? "").split(",").map(Number);
  return { at: at || 1, seen: seen || 0 };
}

export function keepProgress(number, at) {
  const { at: before, seen } = progress(number);
  if (before === at && seen >= at) return;
  keep(name(number), `${at},${Math.max(seen, at)}`);
  window.dispatchEvent(new Event("lesson-progress"));
}
