// An element with attributes and children, which are elements or texts.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

// A button with a callback for clicks.
export function button(clicked, attributes, ...children) {
  const made = element("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", clicked);
  return made;
}
