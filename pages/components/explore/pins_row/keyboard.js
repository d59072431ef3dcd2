const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

// Makes one tile alone reachable by Tab, as in a toolbar: five stops in all instead of five for each pin.
export function only(tiles, current) {
  const reached = current ?? tiles.lastElementChild;
  for (const tile of tiles.children)
    for (const each of tile.querySelectorAll("button, a")) each.tabIndex = tile === reached ? 0 : -1;
}

// Arrows move the focus to the same button of another tile; Delete calls `remove` with the pin's number.
export function move(event, tiles, remove) {
  const tile = event.target.closest(".pins-row-tile");
  if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = STEPS[event.key];
  if (step !== undefined) {
    const last = tiles.children.length - 1;
    const next = Math.min(last, Math.max(0, [...tiles.children].indexOf(tile) + step));
    const target = tiles.children[next].querySelector(`[data-action="${event.target.dataset.action}"]`);
    only(tiles, tiles.children[next]);
    target?.focus();
  } else if (event.key === "Delete") remove(Number(tile.dataset.number));
  else return;
  event.preventDefault();
  event.stopPropagation();
}
