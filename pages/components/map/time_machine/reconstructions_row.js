// Pictures in a row, each over its reconstruction and under the colour of its class.
import { formOf, imageOf, split } from "../../stores/pictures/levels.js";

const GAP = 2; // pixels of the pictures
const STRIPE = 3;

// `pictures` and `levels` are the levels of pictures, one after the other, one picture for each colour.
export function drawTen(canvas, pictures, levels, colours) {
  const count = colours.length;
  const size = pictures.length / count;
  const { side } = formOf(size);
  const rows = [pictures, levels].map((each) => split(each, size));
  canvas.width = count * (side + GAP) - GAP;
  canvas.height = STRIPE + 2 * side + GAP;
  const context = canvas.getContext("2d");
  for (let k = 0; k < count; k++) {
    const left = k * (side + GAP);
    context.fillStyle = colours[k];
    context.fillRect(left, 0, side, STRIPE - 1);
    rows.forEach((row, i) => context.putImageData(imageOf(row[k]), left, STRIPE + i * (side + GAP)));
  }
}
