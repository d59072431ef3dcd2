// The points in a buffer: float32 arrays, one after the other, then the labels.
function unpack({ name, count, values }, buffer) {
  let at = 0;
  const floats = (length) => {
    const array = new Float32Array(buffer, at, length);
    at += array.byteLength;
    return array;
  };
  const xy = floats(2 * count);
  const columns = Object.fromEntries(values.map((value) => [value, floats(count)]));
  const covariance = floats(3 * count);
  return { name, xy, labels: new Uint8Array(buffer, at, count), values: columns, covariance };
}
