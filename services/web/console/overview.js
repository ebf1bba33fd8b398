import { html } from "../html.js";

/**
 * @typedef {{type: string, waiting: number, later: number, oldest_s: number | null, running: number, finished: number,
 *   repeats: number}} TypeNow
 */

/** Pure. @param {{types: TypeNow[], workers: {worker: string, jobs: number}[]}} now @param {import("../words.js").Words} words */
export function renderOverview({ types, workers }, words) {
  const sum = (/** @type {"waiting" | "running" | "finished" | "repeats"} */ name) => types.reduce((all, each) => all + each[name], 0);
  const oldest = Math.max(0, ...types.map((each) => each.oldest_s ?? 0));
  const facts = [
    ["console-waiting", words.number(sum("waiting"))],
    ["console-oldest", duration(oldest, words)],
    ["console-running", words.number(sum("running"))],
    ["console-workers", words.number(workers.length)],
    ["console-done", words.number(sum("finished"))],
    ["console-repeats", words.number(sum("repeats"))],
  ];
  const columns = ["console-type", "console-waiting", "console-later", "console-oldest", "console-running", "console-done", "console-repeats"];
  return html`<div class="sum">${facts.map(([id, value]) => html`<p><b>${value}</b>${words.say(id)}</p>`)}</div>
    <div class="scroll" tabindex="0" role="group" aria-label="${words.say("console-types")}">
      <table>
        <thead><tr>${columns.map((id) => html`<th scope="col">${words.say(id)}</th>`)}</tr></thead>
        <tbody>${types.map((each) => row(each, words))}</tbody>
      </table>
    </div>`;
}

/** @param {TypeNow} each @param {import("../words.js").Words} words */
function row({ type, waiting, later, oldest_s, running, finished, repeats }, words) {
  const cells = [waiting, later, null, running, finished, repeats];
  const text = (/** @type {number | null} */ cell) => (cell === null ? (oldest_s === null ? "–" : duration(oldest_s, words)) : words.number(cell));
  return html`<tr data-key="${type}"><td>${type}</td>${cells.map((cell) => html`<td>${text(cell)}</td>`)}</tr>`;
}

/** @param {number} seconds @param {import("../words.js").Words} words */
function duration(seconds, words) {
  const [value, unit] = seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(words.locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 }).format(value);
}
