import { html } from "../html.js";

/** Pure. @param {any} found @param {import("../words.js").Words} words */
export function renderEstimates(found, words) {
  void found;
  return html`<p class="soft">${words.say("console-estimates-none")}</p>`;
}
