// What is marked on a map: that of `drawMarks`.
export function marksOf({ data, look, points, view, past, line, ink, paper }) {
  const { covariance, xy } = points;
  // What is looked at on another map is marked on this one: its place, if it is one here, and its picture.
  const own = look.chart === data.key;
  const same = own || (look.pictures !== null && look.pictures === data.pictures);
  const i = same ? look.index : null;
  const hovered = i !== null && {
    at: xy.subarray(2 * i, 2 * i + 2),
    covariance: covariance.subarray(3 * i, 3 * i + 3),
  };
  const there = look.z?.length === data.plane.base.length && !(own && look.source === "map");
  const ellipse = hovered || past.ellipse;
  return {
    ink,
    paper,
    pins: hovered && !own ? [...past.pins, [...hovered.at]] : past.pins,
    chosen: data.chosen,
    place: there ? view.onMap(look.z) : null,
    lines: [data.line, line, data.region && [...data.region, data.region[0]]].filter(Boolean),
    ellipses: ellipse && data.layers.includes("ellipses") ? [ellipse] : [],
    prior: data.layers.includes("prior") ? data.prior : null,
  };
}
