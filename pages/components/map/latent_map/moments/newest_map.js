// The map under the newest weights: its decoder and its points, from stores.
import { Awaited } from "../../../stores/registry/awaited.js";
import { decoders, pointSets } from "../../../stores/registry/registry.js";
import { home } from "../layers/plotly_figure.js";
import { makeGrid } from "../spatial_index.js";
import { isLine } from "../view.js";

export class NewestMap {
  grid = null; // the spatial index of the points
  home = null; // the ranges of the whole map

  // `arrived(name)` is called when the "decoder" or the "points" last requested have come.
  constructor(arrived) {
    this.awaited = {
      decoder: new Awaited(decoders(), () => arrived("decoder")),
      points: new Awaited(pointSets(), (points) => {
        this.grid = makeGrid(points.xy);
        this.home = home(points, this.line);
        arrived("points");
      }),
    };
  }

  // `plane` is that of the points.
  request({ decoder, points, plane }) {
    this.line = isLine(plane);
    this.awaited.decoder.request(decoder); // null for none: it is awaited without an end
    this.awaited.points.request(points);
  }

  get decoder() {
    return this.awaited.decoder.value;
  }

  get points() {
    return this.awaited.points.value;
  }

  // The points over whose values colours are spread.
  get spread() {
    return this.points;
  }

  dispose() {
    Object.values(this.awaited).forEach((each) => each.end());
  }
}
