// The manifold: a window of a plane through the latent space, tiled with the digits decoded there, the finer
// the nearer one looks. What was drawn before is stretched and moved at once; the digits follow one by one.
import { gridOf, sameGrid, squaresOf } from "./tile_grid.js";
import { makeDigits } from "./tile_cache.js";
import { makeSheet } from "./tile_sheet.js";
import { makeWorkers } from "./decoder_pool.js";

const OPACITY = 0.4; // behind points, which have to be seen

// A plane through another place of itself differs by what float32 rounds: no digit shows that.
const NEAR = 1e-5;
const near = (one, other) =>
  one.length === other.length && one.every((each, k) => Math.abs(each - other[k]) < NEAR);
const samePlane = (one, other) => ["base", "first", "second"].every((name) => near(one[name], other[name]));

// On a canvas that lies under the plot area, and is as large; `failed` is called where digits cannot be decoded.
export function makeManifold(canvas, failed) {
  const context = canvas.getContext("2d");
  canvas.style.opacity = OPACITY;
  let view = null; // what the last `show` said
  let workers = null;
  let digits = null; // of this decoder and plane
  let sheet = null; // of this window
  let squares = []; // of the sheet, from the middle outwards
  let done = 0; // how many of them have their digit; what stands in the others is stretched
  let frame = null;
  let renew = false; // whether the sheet is of another moment

  // Forget all that another decoder or plane has made; what is still to come of it finds nobody. But the digits of
  // another moment of the same training stand in until those of this one come.
  function follow({ decoder, plane }) {
    const sameDecoder = view?.decoder === decoder;
    const same = view !== null && samePlane(digits.plane, plane);
    if (sameDecoder && same) return;
    const kin = view?.decoder.layers === decoder.layers;
    if (kin && !sameDecoder) workers.turnTo(decoder);
    else if (!sameDecoder) {
      workers?.dispose();
      workers = makeWorkers(decoder, () => digits?.feed(), failed);
    }
    digits = makeDigits(workers, plane, arrived);
    if (kin && same && sheet) renew = true;
    else sheet = null;
  }

  function turnTo(grid) {
    const before = sheet;
    const { outputs } = view.decoder.layers.findLast(({ kind }) => kind === "dense");
    sheet = makeSheet(grid, Math.sqrt(outputs));
    if (before) sheet.inherit(before);
    squares = squaresOf(grid);
    done = 0;
    const wanted = squares.map((square) => [digits.nameOf(square), square]);
    digits.want(wanted.filter(([name]) => !digits.levelsOf(name)));
    fill();
  }

  // In order, those that are known already too: small digits strewn among large ones are hard to read.
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
    context.globalCompositeOperation = "source-in"; // where there is black ink
    context.fillStyle = ink;
    context.fillRect(0, 0, ...size);
    Object.assign(canvas.dataset, { step: sheet.grid.step, pending: lacking() });
  }

  // How many of those that are seen have not their own digit yet.
  const lacking = () => squares.filter(({ outside }, k) => k >= done && !outside).length;

  // To be called whenever something has changed, at every frame of a zoom too. `decoder` is one of the
  // page's, `plane` { base, first, second }, `window` { x0, x1, y0, y1 } on it, y upwards; `width` and
  // `height` are the canvas' in CSS pixels; `ink` is a colour; `patient`: another moment of the same training may
  // wait until the digits of the one before are all there.
  function show(next) {
    const grid = gridOf(next.window, next.width, next.height);
    if (grid === null) return hide();
    // Else those far from the middle would never have their turn.
    const waits = next.patient && sheet && view.decoder.layers === next.decoder.layers && lacking() > 0;
    if (waits) next.decoder = view.decoder;
    follow(next);
    view = next;
    if (!sheet || renew || !sameGrid(sheet.grid, grid)) turnTo(grid);
    renew = false;
    draw();
  }

  // Nothing is drawn; digits are kept.
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

  // For tests: the place of a square, and the grey levels that stand in it, if they are its own.
  canvas.manifoldTile = (i, j) => {
    const place = { x: i * sheet.grid.step, y: j * sheet.grid.step };
    const own = squares.slice(0, done).some(({ x, y }) => x === place.x && y === place.y);
    return { z: digits.zOf(place), levels: own ? sheet.levels(i, j) : null };
  };

  return { show, hide, dispose };
}
