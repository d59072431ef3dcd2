import { navigate } from "./navigate.js";

export function show({ data, parentElement }) {
  const link = parentElement.querySelector("a");
  link.textContent = data.label;
  navigate(link, data);
}
