// The place of the map under the pointer or the keyboard's cursor: shown in the tooltip, and shared with the other
// components of the page.
import { emitHover, named, shown } from "../../../shell/hover_event.js";
import { lossText } from "../../look_panel/figures.js";
import { pictures } from "../../../stores/pictures/pictures.js";
import { makeTooltip } from "./tooltip.js";

const RETRY = 5000; // milliseconds after which real pictures that could not be fetched are requested again

// `arrived()` is called when the real pictures have come.
export function makeHover(box, arrived) {
  const tooltip = makeTooltip(box);
  let [asked, real] = [null, null]; // the URL of the real pictures, and these
  let by = null; // the source of the place that the tooltip shows

  // Fetched when one is first wanted: megabytes that the map can do without.
  function fetchPictures(url) {
    asked = url;
    real = null;
    if (url === null) return; // the server has none
    pictures(url).then(
      (all) => {
        if (asked === url) real = all;
        arrived();
      },
      () => setTimeout(() => asked === url && (asked = null), RETRY), // others may be wanted by then
    );
  }

  // Hovers a place { x, y, clientX, clientY } from a source "map" or "keys". The last argument is what is there:
  //   z, decoder       the place in the latent space, and what draws it
  //   pixel            the length of a pixel on the map
  //   point            the data point there, { index, name, figures }, or null
  //   url              of the points' real pictures at the moment that is shown, or null
  //   chart, set       the names of the map and of its real pictures
  //   names, edge      of the map's axes, and the pixel of the window where it ends on the right
  //   beside           whether the tooltip is shown: elsewhere on the page the hovered image may be shown anyway
  function show(source, place, { z, decoder, pixel, point, url, chart, set, names, edge, beside }) {
    by = source;
    if (point && asked !== url) fetchPictures(url);
    const picture = point && real && (real.image(point.index) ?? real.blank);
    if (picture && picture === real.blank) real.want(point.index, arrived); // of a large set
    const known = picture && { picture, name: point.name, figures: point.figures };
    const where = placeName(place, z.length, names, pixel);
    if (beside) tooltip.show({ decoder, z, where, real: known, place, edge });
    emitHover(source, z, { index: point?.index ?? null, real: known, where, chart, pictures: set });
  }

  // Nothing is hovered from this source any more, on the map `chart`; `hovered` is the page's last hover event.
  function leave(source, chart, hovered) {
    if (by === source) tooltip.hide(); // the keyboard's cursor stays when the pointer is elsewhere
    if (hovered.source === source && hovered.chart === chart && hovered.z) emitHover(source, null, { chart });
  }

  return { show, leave, hide: tooltip.hide };
}

// Coordinates of a place of Z numbers, to a hundredth, or as exactly as a pixel is.
function placeName({ x, y }, size, names, pixel) {
  const digits = Math.min(Math.max(2, Math.ceil(-Math.log10(pixel))), 12);
  return named([x, y].slice(0, size), size < 3 ? [] : names, digits);
}

// The losses of a data point, in nats, and the value that it is coloured by; at an earlier moment (`past`) without the
// reconstruction loss, which no snapshot has.
export function pointFigures({ values }, index, { colouring, colouringShort }, past) {
  const { reconstruction, kl, ...others } = values;
  const figures = [lossText(past ? null : reconstruction[index], kl[index])];
  if (others[colouring]) figures.push(`${colouringShort} ${shown(others[colouring][index], 3)}`);
  return figures.join(", ");
}
