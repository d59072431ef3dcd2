// A moment whose snapshot is loaded: its decoder, the posteriors of the test set, the ten reconstructions. Each is
// computed when it is first read. `sibling` is a decoder of the same network, `weights` are the names of its tensors.
export class LoadedMoment {
  constructor(snapshot, sibling, weights) {
    Object.assign(this, { snapshot, sibling, weights });
  }

  once(name, make) {
    const value = make();
    Object.defineProperty(this, name, { value });
    return value;
  }

  get decoder() {
    return this.once("decoder", () => this.sibling.withWeights(this.snapshot.tensors(this.weights)));
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

// The moment of the weights that the page shows by itself; its points come from a store of their own.
export class PresentMoment {
  constructor(decoder, means) {
    Object.assign(this, { decoder, means });
  }

  get reconstructions() {
    return Float32Array.from(this.means.flatMap((mean) => [...this.decoder.decode(mean)]));
  }
}
