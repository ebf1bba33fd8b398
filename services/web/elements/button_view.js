import { html } from "../html.js";

/**
 * What the button looks like. Pure: the same in, the same out.
 * @param {object} now
 * @param {import("../types.js").JobView | null} now.job the one that it met
 * @param {string} now.label what it says before
 * @param {string | null} now.accept what files it takes; null where it needs none
 * @param {File | null} now.file
 * @param {{done: number, total: number} | null} now.sent how much of the file is on its way
 * @param {boolean} now.busy
 * @param {import("../words.js").Words} words
 */
export function render({ job, label, accept, file, sent, busy }, words) {
  const said = sent ? words.say("screen-sending-file") : busy ? words.say("screen-sending") : job ? job.button.label : label;
  const started = job?.button.action === "view" ? "started" : "";
  return html`${accept !== null && !busy ? pick(accept, file, words) : ""}
    <button class="main ${started}" type="button" aria-disabled="${busy ? "true" : "false"}">${said}</button>
    ${sent ? way(file, sent, words) : ""}`;
}

/** @param {string} accept @param {File | null} file @param {import("../words.js").Words} words */
function pick(accept, file, words) {
  const chosen = file ? words.say("screen-file", { name: file.name, size: words.size(file.size) }) : "";
  return html`<div class="files">
    <p class="pick"><input type="file" aria-label="${words.say("screen-choose-file")}" accept="${accept}" /><span class="link" aria-hidden="true">${words.say("screen-choose-file")}</span></p>
    <slot name="file"></slot>
    <p class="note" data-key="chosen">${chosen}</p>
  </div>`;
}

/** @param {File | null} file @param {{done: number, total: number}} sent @param {import("../words.js").Words} words */
function way(file, { done, total }, words) {
  const args = { name: file?.name ?? "", done: words.size(done), total: words.size(total) };
  const text = words.say("screen-uploading", args);
  return html`<div class="way"><progress max="${total}" value="${done}" aria-label="${text}"></progress><span class="note">${text}</span></div>`;
}
