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

const unpack = ({ layers }, buffer) => decoderOf(layers, new Float32Array(buffer));
