// The points of the map on a canvas of our own, drawn anew whenever the axes move.
import { colourNumbers, marker, paletteOf, setApart } from "./point_colours.js";
import { makeDots } from "./points_canvas.js";

export class PointsLayer {
  mark = { size: 0, opacity: 0 }; // of the dots, as drawn
  #numbered = []; // what the numbers of the colours were made of
  #apart = []; // and those with an area set apart

  constructor(canvas) {
    Object.assign(this, { canvas, drawDots: makeDots(canvas) });
  }

  // Draws them with the axes of a View.
  //   points, spread   their places and values; the points over whose values colours are spread
  //   look             { colouring, colours, scale }; hidden, the labels of hidden classes
  //   zoom             how many times larger than the whole map
  //   visible          whether they are shown at all
  //   region           corners [x, y] of an area: the points outside are faint; or null
  draw(view, { points, spread, look, hidden, zoom, visible, region }) {
    this.canvas.hidden = !visible;
    if (!visible) return;
    this.mark = marker(points.labels.length, zoom);
    const colours = this.#coloursOf(points, spread, look, hidden, region);
    this.drawDots({ xy: points.xy, colours, palette: paletteOf(look), view, mark: this.mark });
  }

  #coloursOf(points, spread, look, hidden, region) {
    const of = [points.values, spread.values, look.colouring, [...hidden].join()];
    if (!same(of, this.#numbered)) {
      this.#numbered = of;
      this.numbers = colourNumbers(points, look, hidden, spread);
    }
    if (!region) return this.numbers;
    if (!same([this.numbers, region], this.#apart)) {
      this.#apart = [this.numbers, region];
      this.apart = setApart(this.numbers, points.xy, region);
    }
    return this.apart;
  }
}

const same = (one, other) => one.length === other.length && one.every((part, k) => part === other[k]);
