// Arrays of float32, one after the other, and the labels.
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

// Runs when other points come, and when the theme changes: then these are here already.
export default function ({ data, parentElement }) {
  const end = data.indexOf("\n".charCodeAt(0));
  const head = JSON.parse(new TextDecoder().decode(data.subarray(0, end)));
  pointSets().keep(
    head.name,
    parentElement.querySelector("[data-store]"),
    // A copy: as it came it may begin where no float32 may, and would keep the whole message in memory.
    () => unpack(head, data.slice(end + 1).buffer),
  );
}
