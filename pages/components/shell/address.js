// Tells the server the query of the address as it is now (shell/url_state.py).
export default function ({ parentElement, setStateValue }) {
  if (parentElement.told === location.search) return;
  parentElement.told = location.search;
  setStateValue("search", location.search);
}
