const { makeDecoder, greyLevels } = decoding();

// `withWeights` makes the same network's of another moment of its training.
const decoderOf = (layers, weights) => ({
  decode: makeDecoder(layers, weights),
  greyLevels,
  layers,
  weights,
  source: String(decoding),
  withWeights: (others) => decoderOf(layers, others),
});

// Runs when another decoder comes, and when the theme changes: then this one is here already.
export default function ({ data, parentElement }) {
  const end = data.indexOf("\n".charCodeAt(0));
  const { name, layers } = JSON.parse(new TextDecoder().decode(data.subarray(0, end)));
  decoders().keep(name, parentElement.querySelector("[data-store]"), () => {
    // A copy: as it came it may begin where no float32 may, and would keep the whole message in memory.
    const weights = new Float32Array(data.slice(end + 1).buffer);
    return decoderOf(layers, weights);
  });
}
