// Snapshots of a training, each fetched once and cached as it is stored, in float16 or int8: half the memory or a
// quarter, and only what is drawn is converted to float32. Python has validated the files before it sends their URLs.
const MAX_BYTES = 64e6; // all snapshots of two runs

const cache = new Map(); // url -> { snapshot, fetching, listeners }, the least recently used first

// All 65,536 float16 numbers in float32: a look-up takes a nanosecond, arithmetic ten.
let numbers = null;
function table() {
  if (numbers) return numbers;
  numbers = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
    const value = exponent === 31 ? (fraction ? NaN : Infinity) : size;
    numbers[bits] = bits & 0x8000 ? -value : value;
  }
  return numbers;
}

// A snapshot from the content of its file. https://huggingface.co/docs/safetensors/index#format
export function makeSnapshot(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const count = (name) => head[name].shape.reduce((product, length) => product * length, 1);
  const stored = (type, name) => new type(buffer.slice(...head[name].data_offsets.map((offset) => 8 + size + offset)));

  // Writes the numbers of a tensor into `values`, from index `at` on.
  function read(name, values, at) {
    if (head[name].dtype === "I8") return readScaled(name, values, at);
    const wide = table();
    for (const bits of stored(Uint16Array, name)) values[at++] = wide[bits];
  }

  // The same of an int8 matrix, whose rows, or whose columns, have a scale each.
  function readScaled(name, values, at) {
    const [, columns] = head[name].shape;
    const scales = new Float32Array(count(`${name}.scale`));
    read(`${name}.scale`, scales, 0);
    const byRow = head[`${name}.scale`].shape[1] === 1 && head[name].shape[0] === scales.length;
    stored(Int8Array, name).forEach((level, i) => {
      values[at + i] = level * scales[byRow ? Math.floor(i / columns) : i % columns];
    });
  }

  // The numbers of the named tensors, concatenated.
  function tensors(names) {
    const values = new Float32Array(names.reduce((sum, name) => sum + count(name), 0));
    let at = 0;
    for (const name of names) {
      read(name, values, at);
      at += count(name);
    }
    return values;
  }

  return { tensors, bytes: buffer.byteLength };
}

async function fetched(url, priority) {
  // Streamlit compresses whole files at each request, these by a tenth in 40 ms; but not ranges.
  const headers = { Range: "bytes=0-" };
  const response = await fetch(new URL(url, document.baseURI), { priority, headers });
  if (!response.ok) throw new Error(`it cannot be fetched: ${response.status}`);
  return makeSnapshot(await response.arrayBuffer());
}

// The snapshot at a URL if it is cached; else null, and it is fetched: then `arrived(url)` is called, or `failed(url)`,
// after which the next call tries again. `priority` is that of `fetch`: low for what may be shown next.
export function snapshotAt(url, arrived, failed, priority = "high") {
  const entry = cache.get(url) ?? { snapshot: null, fetching: null, listeners: new Set() };
  cache.delete(url);
  cache.set(url, entry); // the newest is last
  if (entry.snapshot) return entry.snapshot;
  entry.fetching ??= fetched(url, priority).then(
    (snapshot) => {
      entry.snapshot = snapshot;
      evict();
    },
    (error) => {
      cache.delete(url);
      throw error;
    },
  );
  if (!entry.listeners.has(arrived)) entry.fetching.then(...[arrived, failed].map((call) => () => call(url)));
  entry.listeners.add(arrived);
  return null;
}

function evict() {
  let sum = 0;
  for (const [url, { snapshot }] of [...cache].reverse()) {
    sum += snapshot?.bytes ?? 0;
    if (snapshot && sum > MAX_BYTES) cache.delete(url);
  }
}
