// Runs when other moments come, and when the theme changes, in which case they are kept already.
export default function ({ data, parentElement }) {
  const end = data.indexOf("\n".charCodeAt(0));
  const head = JSON.parse(new TextDecoder().decode(data.subarray(0, end)));
  const store = parentElement.querySelector("[data-store]");
  momentLists().keep(head.name, store, () => ({ ...head, pictures: data.slice(end + 1) }));
}
