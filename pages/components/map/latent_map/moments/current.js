// The map under the newest weights: its decoder and points, which come by stores, and what follows from these points.
import { Awaited } from "../../../stores/registry/awaited.js";
import { decoders, pointSets } from "../../../stores/registry/registry.js";
import { home } from "../layers/plotly_figure.js";
import { makeGrid } from "../spatial_index.js";

export class Newest {
  grid = null;
  home = null; // the whole map

  // `arrived(name)` is called when the "decoder" or the "points" that were asked for are here.
  constructor(arrived) {
    this.awaited = {
      decoder: new Awaited(decoders(), () => arrived("decoder")),
      points: new Awaited(pointSets(), (points) => {
        this.grid = makeGrid(points.xy);
        this.home = home(points);
        arrived("points");
      }),
    };
  }

  ask({ decoder, points }) {
    this.awaited.decoder.ask(decoder);
    this.awaited.points.ask(points);
  }

  get decoder() {
    return this.awaited.decoder.value;
  }

  get points() {
    return this.awaited.points.value;
  }

  get spread() {
    return this.points;
  }

  dispose() {
    Object.values(this.awaited).forEach((each) => each.end());
  }
}
