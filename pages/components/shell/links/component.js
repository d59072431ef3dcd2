import { lead } from "./navigate.js";

export function show({ data, parentElement }) {
  const link = parentElement.querySelector("a");
  link.textContent = data.label;
  lead(link, data);
}
