const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

// Only one tile can be reached by the tabulator, as in a toolbar: five stops instead of five for each pin.
export function only(tiles, current) {
  const reached = current ?? tiles.lastElementChild;
  for (const tile of tiles.children)
    for (const each of tile.querySelectorAll("button, a")) each.tabIndex = tile === reached ? 0 : -1;
}

// Arrows lead from tile to tile, to the same button of each; Delete removes a pin.
export function move(event, tiles, row) {
  const tile = event.target.closest(".pins-row-tile");
  if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = STEPS[event.key];
  if (step !== undefined) {
    const last = tiles.children.length - 1;
    const next = Math.min(last, Math.max(0, [...tiles.children].indexOf(tile) + step));
    const target = tiles.children[next].querySelector(`[data-action="${event.target.dataset.action}"]`);
    only(tiles, tiles.children[next]);
    target?.focus();
  } else if (event.key === "Delete") row.report("remove", Number(tile.dataset.number));
  else return;
  event.preventDefault();
  event.stopPropagation();
}
