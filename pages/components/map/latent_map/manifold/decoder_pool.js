// A decoder in Workers, so that decoding many images does not block the page.
const MOST = 4; // Workers
const AHEAD = 2; // requests at each Worker: while the answer to one travels, it works on the next

// Its source text is the script of each Worker.
function work({ makeDecoder, greyLevels }) {
  let decode;
  onmessage = ({ data: { layers, weights, places } }) => {
    if (layers) decode = makeDecoder(layers, weights);
    else {
      const answer = places.map((z) => greyLevels(decode(z)));
      postMessage(
        answer,
        answer.map((levels) => levels.buffer),
      );
    }
  };
}

// For a decoder of the page (stores/decoder); `freed` is called after each answer, `failed` if the browser has no
// Workers.
export function makeWorkers({ source, layers, weights }, freed, failed) {
  const url = URL.createObjectURL(new Blob([`(${work})((${source})());`]));
  const cores = navigator.hardwareConcurrency ?? 2;
  const count = Math.max(1, Math.min(MOST, cores - 1)); // one core is the page's
  const start = () => {
    const worker = new Worker(url);
    const waiting = []; // the callbacks of its requests, in order
    worker.onmessage = ({ data }) => {
      waiting.shift()(data);
      freed();
    };
    worker.onerror = failed;
    worker.postMessage({ layers, weights });
    return { worker, waiting };
  };
  let workers = [];
  try {
    workers = Array.from({ length: count }, start);
  } catch {
    failed(); // some browsers throw where others call onerror
  }
  const idlest = () => workers.toSorted((one, other) => one.waiting.length - other.waiting.length)[0];

  return {
    // Whether a Worker takes another request now.
    free: () => idlest()?.waiting.length < AHEAD,
    // A promise of the grey levels of places, each an array of Z numbers.
    decode(places) {
      const { worker, waiting } = idlest();
      worker.postMessage({ places });
      return new Promise((resolve) => waiting.push(resolve));
    },
    // From now on the Workers decode with these weights, of another moment of the same training.
    setWeights({ layers, weights }) {
      for (const { worker } of workers) worker.postMessage({ layers, weights });
    },
    // Open requests are never answered.
    dispose() {
      for (const { worker } of workers) worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
