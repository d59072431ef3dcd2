const { makeDecoder, greyLevels } = decoding();

// A decoder from layers and weights; `withWeights` makes one of the same network, with the weights of another moment.
const decoderOf = (layers, weights) => ({
  decode: makeDecoder(layers, weights),
  greyLevels,
  layers,
  weights,
  source: String(decoding),
  withWeights: (others) => decoderOf(layers, others),
});

// Runs when another decoder comes, and when the theme changes, in which case it is kept already.
export default function ({ data, parentElement }) {
  const end = data.indexOf("\n".charCodeAt(0));
  const { name, layers } = JSON.parse(new TextDecoder().decode(data.subarray(0, end)));
  decoders().keep(name, parentElement.querySelector("[data-store]"), () => {
    // A copy: the message may not be aligned for float32, and a view would keep all of it in memory.
    const weights = new Float32Array(data.slice(end + 1).buffer);
    return decoderOf(layers, weights);
  });
}
