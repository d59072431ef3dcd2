// The box beside the pointer: the picture decoded at its place; over a data point its real picture, too.
import { imageOf, put } from "../../../stores/pictures/levels.js";

const AWAY = 20; // pixels between the pointer and the box

export function makeTooltip(box) {
  const [drawn, other] = box.querySelectorAll("canvas");
  const [labels, text] = [box.querySelector("p"), box.lastElementChild];

  // `where` is the place's coordinates as text; `real` the data point's { picture, name, figures }, or null; `place`
  // has pixels of the window; `edge` is the pixel where the map ends on the right.
  function show({ decoder, z, where, real, place, edge }) {
    put(drawn, imageOf(decoder.greyLevels(decoder.decode(z))));
    other.hidden = !real;
    if (real) put(other, real.picture);
    const [one, two] = labels.children;
    labels.hidden = !real;
    if (real) [one.textContent, two.textContent] = ["drawn here", real.name];
    text.textContent = real ? real.figures : where;
    box.dataset.z = JSON.stringify(z);
    box.hidden = false;
    // Above the pointer on its right; where there is no room, on the other side.
    const { clientX: x, clientY: y } = place;
    const { width, height } = box.getBoundingClientRect();
    const right = x + AWAY + width < edge || x - AWAY - width < 0;
    const above = y - AWAY - height > 0;
    const left = right ? x + AWAY : x - AWAY - width;
    box.style.left = `${Math.max(Math.min(left, innerWidth - width), 0)}px`;
    box.style.top = `${above ? y - AWAY - height : y + AWAY}px`;
  }

  return { show, hide: () => (box.hidden = true) };
}
