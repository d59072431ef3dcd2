// A decoder in Workers, so that many digits never hold up the page.
const MOST = 4;
const AHEAD = 2; // requests at each Worker: while one's answer is on its way, the next is worked on

// The text of this function is what a Worker runs.
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

// Of a decoder of the page (decoder/decoder.js); `freed` is called after each answer, whoever had asked,
// `failed` where there can be none.
export function makeWorkers({ source, layers, weights }, freed, failed) {
  const url = URL.createObjectURL(new Blob([`(${work})((${source})());`]));
  const cores = navigator.hardwareConcurrency ?? 2;
  const count = Math.max(1, Math.min(MOST, cores - 1)); // one core is the page's
  const start = () => {
    const worker = new Worker(url);
    const waiting = []; // who asked, in order
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
    // Whether one is to be had now.
    free: () => idlest()?.waiting.length < AHEAD,
    // A promise of the grey levels of places, each an array of Z numbers.
    decode(places) {
      const { worker, waiting } = idlest();
      worker.postMessage({ places });
      return new Promise((resolve) => waiting.push(resolve));
    },
    // From now on they decode with the weights of another moment of the same training.
    turnTo({ layers, weights }) {
      for (const { worker } of workers) worker.postMessage({ layers, weights });
    },
    // What was asked is never answered.
    dispose() {
      for (const { worker } of workers) worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
