// What lies at a place of the map: drawn beside it, and told to the other components.
import { pictures } from "../../../stores/pictures/pictures.js";
import { makeBeside } from "./tooltip.js";
import { emitHover, named, shown } from "../../../shell/hover_event.js";

const TOUCHING = 1; // pixels between the pointer and a point's edge, where it is over it still
const AGAIN = 5000; // milliseconds until pictures that did not come are asked for again

export function makeSight(map, box, again) {
  const beside = makeBeside(box);
  let [asked, real] = [null, null]; // the address of the real pictures, and these
  let by = null; // whose digit stands there, the pointer's or the keys'

  // Asked for when one is first wanted: megabytes that the map can do without.
  function fetchPictures(url) {
    asked = url;
    real = null;
    if (url === null) return; // the server has none
    pictures(url).then(
      (all) => {
        if (asked === url) real = all;
        again();
      },
      () => setTimeout(() => asked === url && (asked = null), AGAIN), // others may be asked for by then
    );
  }

  // The number of the point at a place, or null.
  function over({ x, y }) {
    const { data, grid, hidden, plotted, points, view } = map;
    if (!data.layers.includes("points")) return null;
    const reach = view.distance(plotted.mark.size / 2 + TOUCHING);
    return grid?.nearest(x, y, reach, (i) => !hidden.has(points.labels[i])) ?? null;
  }

  function figuresOf(index) {
    const { data, points, past } = map;
    const { reconstruction, kl, ...others } = points.values;
    const other = others[data.colouring];
    const figures = [`KL ${shown(kl[index], 1)} nats`];
    // Which it was at another moment is in no snapshot.
    if (!past.active) figures.unshift(`reconstruction ${shown(reconstruction[index], 1)}`);
    return [...figures, ...(other ? [`${data.colouringShort} ${shown(other[index], 3)}`] : [])].join(", ");
  }

  // To a hundredth, or as exactly as one sees.
  function placeName({ x, y }, size) {
    const digits = Math.min(Math.max(2, Math.ceil(-Math.log10(map.view.distance(1)))), 12);
    return named([x, y].slice(0, size), size < 3 ? [] : map.data.plane.names, digits);
  }

  // Nothing is looked at where the place is null.
  function lookAt(source, place) {
    const { data, points, decoder, look, view } = map;
    if (!place || !map.stands) {
      if (by === source) beside.hide(); // what keys have led to stays when the pointer is elsewhere
      if (look.source === source && look.chart === data?.key && look.z) emitHover(source, null, { chart: data.key });
      return;
    }
    by = source;
    const z = view.at(place);
    const index = over(place);
    const address = map.past.active ? map.past.pictures : data.pictures;
    if (index !== null && asked !== address) fetchPictures(address);
    const known = index !== null && real && {
      picture: real.image(index),
      name: `${data.classes[points.labels[index]]} · #${index}`,
      figures: figuresOf(index),
    };
    const edge = map.chart.getBoundingClientRect().right;
    const where = placeName(place, z.length);
    beside.show({ decoder, z, where, real: known, place, edge });
    const { key: chart, pictures } = data;
    emitHover(source, z, { index, real: known || null, where, chart, pictures });
  }

  return { over, lookAt, hide: beside.hide };
}
