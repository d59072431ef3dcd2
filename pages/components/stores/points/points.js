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

// Runs when other points come, and when the theme changes, in which case they are kept already.
export default function ({ data, parentElement }) {
  const end = data.indexOf("\n".charCodeAt(0));
  const head = JSON.parse(new TextDecoder().decode(data.subarray(0, end)));
  pointSets().keep(
    head.name,
    parentElement.querySelector("[data-store]"),
    // A copy: the message may not be aligned for float32, and a view would keep all of it in memory.
    () => unpack(head, data.slice(end + 1).buffer),
  );
}
