// Content of a store that a component awaits by its name; only the last requested name counts.
export class Awaited {
  name = null;
  value = null;

  // `arrived(value)` is called when the content is here.
  constructor(registry, arrived) {
    Object.assign(this, { registry, arrived });
  }

  request(name) {
    if (this.name === name) return;
    this.name = name;
    this.value = null; // the value of another name must not be used
    this.registry.get(name).then(
      (value) => {
        if (this.name !== name) return;
        this.value = value;
        this.arrived(value);
      },
      () => {
        if (this.name === name) this.name = null; // so that the next call tries again; the store shows the error
      },
    );
  }

  // Awaits nothing any more.
  end() {
    this.name = null;
  }
}
