// What the pages show of one moment: its decoder, the posteriors of the test set, the ten pictures.
export class Opened {
  constructor(snapshot, decoder, weights) {
    Object.assign(this, { snapshot, kin: decoder, weights });
  }

  once(name, make) {
    const value = make();
    Object.defineProperty(this, name, { value });
    return value;
  }

  get decoder() {
    return this.once("decoder", () => this.kin.withWeights(this.snapshot.tensors(this.weights)));
  }

  get mean() {
    return this.once("mean", () => this.snapshot.tensors(["mean"]));
  }

  get logvar() {
    return this.once("logvar", () => this.snapshot.tensors(["logvar"]));
  }

  // Values in [0, 1], of all ten.
  get reconstructions() {
    return this.once("reconstructions", () => this.snapshot.tensors(["reconstructions"]));
  }
}

// The weights that the page shows anyway; their points come by a store of their own.
export class Present {
  constructor(decoder, means) {
    Object.assign(this, { decoder, means });
  }

  get reconstructions() {
    return Float32Array.from(this.means.flatMap((mean) => [...this.decoder.decode(mean)]));
  }
}
