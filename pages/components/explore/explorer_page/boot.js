// Runs the packed scripts of the file, one after the other; the file's policy names each of them by its hash.
import { element } from "../../shell/dom.js";
import { unpacked } from "./packed.js";

export async function start() {
  for (const { textContent } of document.querySelectorAll('script[type="application/gzip"]'))
    document.body.append(element("script", {}, new TextDecoder().decode(await unpacked(textContent))));
}
