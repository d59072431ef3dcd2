// Snapshots of a training, each fetched once and kept as it came, as safetensors in float16: half the memory, and
// only what is drawn is made float32. Python has looked at the files before it says where they are.
const KEPT = 64e6; // bytes: all snapshots of two runs

const kept = new Map(); // address -> { snapshot, fetching, heard }, the longest unused first

// What each of the 65,536 float16 numbers is in float32: a look at a table takes a nanosecond, arithmetic ten.
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

// Of the content of a file. https://huggingface.co/docs/safetensors/index#format
export function makeSnapshot(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const halves = (name) => {
    const [start, end] = head[name].data_offsets;
    return new Uint16Array(buffer, 8 + size + start, (end - start) / 2);
  };

  // The numbers of some tensors, one after the other.
  function tensors(names) {
    const parts = names.map(halves);
    const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    const wide = table();
    let at = 0;
    for (const part of parts) for (let i = 0; i < part.length; i++) values[at++] = wide[part[i]];
    return values;
  }

  return { tensors, bytes: buffer.byteLength };
}

async function fetched(address, priority) {
  // Streamlit compresses whole files at every request, these by a tenth in 40 ms, but not what is asked for in parts.
  const headers = { Range: "bytes=0-" };
  const response = await fetch(new URL(address, document.baseURI), { priority, headers });
  if (!response.ok) throw new Error(`it cannot be fetched: ${response.status}`);
  return makeSnapshot(await response.arrayBuffer());
}

// The snapshot at an address if it is here; else null, and it is fetched: `arrived(address)` is called when it has
// come, or `failed(address)` when it will not; then the next who asks tries again. `priority` is that of `fetch`: those
// that are wanted now come before those that may be.
export function snapshotAt(address, arrived, failed, priority = "high") {
  const entry = kept.get(address) ?? { snapshot: null, fetching: null, heard: new Set() };
  kept.delete(address);
  kept.set(address, entry); // the newest is last
  if (entry.snapshot) return entry.snapshot;
  entry.fetching ??= fetched(address, priority).then(
    (snapshot) => {
      entry.snapshot = snapshot;
      forget();
    },
    (error) => {
      kept.delete(address);
      throw error;
    },
  );
  if (!entry.heard.has(arrived)) entry.fetching.then(...[arrived, failed].map((tell) => () => tell(address)));
  entry.heard.add(arrived);
  return null;
}

function forget() {
  let sum = 0;
  for (const [address, { snapshot }] of [...kept].reverse()) {
    sum += snapshot?.bytes ?? 0;
    if (snapshot && sum > KEPT) kept.delete(address);
  }
}
