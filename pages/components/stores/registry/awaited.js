// What a component awaits from a store, by its name: only what was asked for last ever comes.
export class Awaited {
  name = null;
  value = null;

  // `arrived(value)` is called when it is here.
  constructor(registry, arrived) {
    Object.assign(this, { registry, arrived });
  }

  ask(name) {
    if (this.name === name) return;
    this.name = name;
    this.value = null; // nothing must be made of another's
    this.registry.get(name).then(
      (value) => {
        if (this.name !== name) return;
        this.value = value;
        this.arrived(value);
      },
      () => {
        if (this.name === name) this.name = null; // the next may be whole; the store says what is wrong
      },
    );
  }

  // Nothing is awaited any more.
  end() {
    this.name = null;
  }
}
