// Points as round dots, written into a canvas' pixels directly: fast enough for every frame, also of 60,000, where as
// many drawing calls would take several. It needs no WebGL, so that nothing is lost when the browser takes that away.
const PARTS = 4; // of a pixel, to which a dot's place is rounded: dots that move slowly do not jerk
const FAINT = 0.12; // the opacity of dots outside of a selected area
export const HIDDEN = 255; // instead of the number of a colour
export const OUTSIDE = 100; // added to the number of a colour: outside of the selected area

// How much of each pixel a dot covers, times its opacity, for each place of its middle within a pixel.
function stampsOf(size, opacity) {
  const side = Math.ceil(size) + 2;
  const stamps = [];
  for (let row = 0; row < PARTS; row++) {
    for (let column = 0; column < PARTS; column++) {
      const [x, y] = [column, row].map((k) => Math.floor(side / 2) + k / PARTS);
      const stamp = new Float32Array(side * side);
      for (let k = 0; k < stamp.length; k++) {
        const away = Math.hypot((k % side) + 0.5 - x, Math.floor(k / side) + 0.5 - y);
        stamp[k] = opacity * Math.min(Math.max(size / 2 + 0.5 - away, 0), 1);
      }
      stamps.push(stamp);
    }
  }
  return { stamps, side };
}

// A CSS colour as red, green, blue.
function levelsOf(context, colour) {
  context.fillStyle = colour;
  return [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
}

export function makeDots(canvas) {
  const context = canvas.getContext("2d");
  let image = null; // larger than the canvas by a dot on each side, so that dots at an edge need no care
  let made = { of: "", clear: null, faint: null };

  // `xy` are places of the map, x and y in turn; `colours` the index into `palette` of each point, with OUTSIDE added or
  // not, or HIDDEN; `mark` the dots' { size, opacity }.
  return function draw({ xy, colours, palette, view, mark }) {
    const area = view.area;
    for (const [name, value] of Object.entries(area)) canvas.style[name] = `${value}px`;
    const ratio = devicePixelRatio;
    const [wide, tall] = [area.width, area.height].map((length) => Math.max(Math.round(length * ratio), 1));
    if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
    const of = `${mark.size} ${mark.opacity} ${ratio}`;
    if (made.of !== of) {
      const [clear, faint] = [mark.opacity, FAINT].map((opacity) => stampsOf(mark.size * ratio, opacity));
      made = { of, clear: clear.stamps, faint: faint.stamps, side: clear.side };
    }
    const { clear, faint, side } = made;
    const [width, height] = [wide + 2 * side, tall + 2 * side];
    if (image?.width !== width || image.height !== height) image = context.createImageData(width, height);
    else image.data.fill(0);
    const pixels = image.data;
    const inks = palette.map((colour) => levelsOf(context, colour));
    const { toPixels } = view;
    const [left, top] = toPixels(0, 0).map((pixel) => pixel * ratio);
    const [right, down] = [toPixels(1, 1)[0] * ratio - left, toPixels(1, 1)[1] * ratio - top];
    const half = Math.floor(side / 2);
    const [x0, y0] = [left + side, top + side]; // in the image
    for (let i = 0; i < colours.length; i++) {
      const colour = colours[i];
      if (colour === HIDDEN) continue;
      const [x, y] = [x0 + right * xy[2 * i], y0 + down * xy[2 * i + 1]];
      const [column, row] = [Math.floor(x), Math.floor(y)];
      if (!(column >= half && row >= half && column + side - half <= width && row + side - half <= height)) continue;
      const outside = colour >= OUTSIDE;
      const place = PARTS * Math.floor(PARTS * (y - row)) + Math.floor(PARTS * (x - column));
      const stamp = (outside ? faint : clear)[place];
      const [red, green, blue] = inks[outside ? colour - OUTSIDE : colour];
      let k = 0;
      for (let line = 0; line < side; line++) {
        let at = 4 * ((row - half + line) * width + column - half);
        for (const end = at + 4 * side; at < end; at += 4, k++) {
          const share = stamp[k];
          if (share === 0) continue;
          // Porter & Duff's "over", of colours that are not multiplied by their opacity.
          const opaque = share + (pixels[at + 3] / 255) * (1 - share);
          const weight = share / opaque;
          pixels[at] += (red - pixels[at]) * weight;
          pixels[at + 1] += (green - pixels[at + 1]) * weight;
          pixels[at + 2] += (blue - pixels[at + 2]) * weight;
          pixels[at + 3] = 255 * opaque;
        }
      }
    }
    context.putImageData(image, -side, -side);
  };
}
