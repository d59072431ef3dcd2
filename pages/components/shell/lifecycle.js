// The function `show` of a component that keeps one object as `parentElement[name]`. `make(parentElement)` makes it, with
// the methods show(mount), which gets Streamlit's argument, and dispose(), if something has to end.
export function component(name, make) {
  // Called whenever the data or the theme changes.
  return (mount) => {
    const { parentElement } = mount;
    const part = (parentElement[name] ??= make(parentElement));
    part.show(mount);
    // Streamlit also calls this for a run that a newer one has overtaken, with the component still there.
    return () => {
      if (parentElement.isConnected) return;
      part.dispose?.();
      delete parentElement[name];
    };
  };
}
