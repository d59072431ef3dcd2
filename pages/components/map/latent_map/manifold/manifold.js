// The manifold: a window of a plane through the latent space, tiled with the images decoded there, in smaller steps the
// further one zooms in. What was drawn before is stretched and moved at once; the images follow one by one.
import { formOf } from "../../../stores/pictures/levels.js";
import { gridOf, sameGrid, squaresOf } from "./tile_grid.js";
import { makeDigits } from "./tile_cache.js";
import { makeSheet } from "./tile_sheet.js";
import { makeWorkers } from "./decoder_pool.js";

const OPACITY = 0.4; // behind points, which have to be seen

// The same plane, given by another of its places, differs by rounding to float32, which no image shows.
const NEAR = 1e-5;
const near = (one, other) =>
  one.length === other.length && one.every((each, k) => Math.abs(each - other[k]) < NEAR);
const samePlane = (one, other) => ["base", "first", "second"].every((name) => near(one[name], other[name]));

// On a canvas under the plot area, of the same size; `failed` is called if images cannot be decoded in Workers.
export function makeManifold(canvas, failed) {
  const context = canvas.getContext("2d");
  canvas.style.opacity = OPACITY;
  let view = null; // the argument of the last `show`
  let workers = null;
  let digits = null; // of this decoder and plane
  let sheet = null; // of this window
  let squares = []; // of the sheet, from the middle outwards
  let done = 0; // how many of them have their image; the others show what was there before, stretched
  let frame = null;
  let renew = false; // whether the sheet is of another moment

  // Drops what another decoder or plane has made; what is still decoded of it is ignored. But the images of another
  // moment of the same training stay until those of this one come.
  function follow({ decoder, plane }) {
    const sameDecoder = view?.decoder === decoder;
    const same = view !== null && samePlane(digits.plane, plane);
    if (sameDecoder && same) return;
    const sameTraining = view?.decoder.layers === decoder.layers;
    if (sameTraining && !sameDecoder) workers.setWeights(decoder);
    else if (!sameDecoder) {
      workers?.dispose();
      workers = makeWorkers(decoder, () => digits?.feed(), failed);
    }
    digits = makeDigits(workers, plane, arrived);
    if (sameTraining && same && sheet) renew = true;
    else sheet = null;
  }

  function startSheet(grid) {
    const before = sheet;
    const { outputs } = view.decoder.layers.findLast((layer) => layer.outputs);
    sheet = makeSheet(grid, formOf(outputs));
    if (before) sheet.inherit(before);
    squares = squaresOf(grid);
    done = 0;
    const wanted = squares.map((square) => [digits.nameOf(square), square]);
    digits.want(wanted.filter(([name]) => !digits.levelsOf(name)));
    fill();
  }

  // Puts the images in order, also those decoded before: small ones strewn among large ones are hard to read.
  function fill() {
    for (; done < squares.length; done++) {
      const levels = digits.levelsOf(digits.nameOf(squares[done]));
      if (!levels) break;
      sheet.put(squares[done], levels);
    }
  }

  function arrived() {
    fill();
    if (sheet) frame ??= requestAnimationFrame(draw);
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = null;
    const { window: shown, width, height, ink } = view;
    const size = [width, height].map((length) => Math.round(length * devicePixelRatio));
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const scale = [size[0] / (shown.x1 - shown.x0), size[1] / (shown.y1 - shown.y0)];
    context.globalCompositeOperation = "copy";
    sheet.drawOn(context, { x0: shown.x0, y1: shown.y1, scale });
    if (sheet.inked) {
      context.globalCompositeOperation = "source-in"; // where there is black ink
      context.fillStyle = ink;
      context.fillRect(0, 0, ...size);
    }
    canvas.dataset.pending = lacking();
  }

  // How many visible squares do not have their image yet.
  const lacking = () => squares.filter(({ outside }, k) => k >= done && !outside).length;

  // To be called whenever something has changed, also at every frame of a zoom.
  //   decoder        of a store
  //   plane          { base, first, second }; window, the part { x0, x1, y0, y1 } of it that is visible, y upwards
  //   width, height  of the canvas in CSS pixels; ink, a colour
  //   completeFirst  whether another moment of the same training waits until the last one's images are all there
  function show(next) {
    const grid = gridOf(next.window, next.width, next.height);
    if (grid === null) return hide();
    // Else those far from the middle would never have their turn.
    const waits = next.completeFirst && sheet && view.decoder.layers === next.decoder.layers && lacking() > 0;
    if (waits) next.decoder = view.decoder;
    follow(next);
    view = next;
    if (!sheet || renew || !sameGrid(sheet.grid, grid)) startSheet(grid);
    renew = false;
    draw();
  }

  // Clears the canvas; images stay cached.
  function hide() {
    cancelAnimationFrame(frame);
    frame = null;
    digits?.want([]);
    sheet = null;
    squares = [];
    canvas.dataset.pending = 0;
    context.clearRect(0, 0, canvas.width, canvas.height);
  }

  function dispose() {
    hide();
    workers?.dispose();
    view = workers = digits = null;
  }

  return { show, hide, dispose };
}
