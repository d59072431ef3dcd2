// Runs when other content comes, and when the theme changes, in which case it is kept already. The message is a line of
// JSON with the content's name, followed by bytes. The script before this has `unpack(head, buffer)`, which makes the
// content of both.
export default function ({ data, parentElement }) {
  const store = parentElement.querySelector("[data-store]");
  const end = data.indexOf("\n".charCodeAt(0));
  const head = JSON.parse(new TextDecoder().decode(data.subarray(0, end)));
  // A copy: the message may not be aligned for float32, and a view would keep all of it in memory.
  registry(store.dataset.store).keep(head.name, store, () => unpack(head, data.slice(end + 1).buffer));
}
