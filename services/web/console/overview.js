import { html } from "../html.js";
import { duration } from "./durations.js";
import { table } from "./table.js";

/**
 * @typedef {{type: string, waiting: number, later: number, oldest_s: number | null, running: number, finished: number,
 *   repeats: number}} TypeNow
 * @typedef {{worker: string, jobs: number}} WorkerNow
 * @typedef {import("../words.js").Words} Words
 */

const SHOWN_MAX = 12; // workers by name; the figure above counts all

/** Pure. @param {{types: TypeNow[], workers: WorkerNow[]}} now @param {Words} words */
export function renderOverview({ types, workers }, words) {
  const sum = (/** @type {"waiting" | "running" | "finished" | "repeats"} */ name) => types.reduce((all, each) => all + each[name], 0);
  const oldest = types.map((each) => each.oldest_s).filter((each) => each !== null);
  const facts = [
    ["console-waiting", words.number(sum("waiting"))],
    ["console-oldest", oldest.length ? duration(Math.max(...oldest), words) : "–"],
    ["console-running", words.number(sum("running"))],
    ["console-workers", words.number(workers.length)],
    ["console-done", words.number(sum("finished"))],
    ["console-repeats", words.number(sum("repeats"))],
  ];
  return html`<div class="sum">${facts.map(([id, value]) => html`<p><b>${value}</b>${words.say(id)}</p>`)}</div>
    ${table(words.say("console-types"), COLUMNS.map((id) => words.say(id)), types.map((each) => row(each, words)))}
    <h3>${words.say("console-workers")}</h3>
    ${workers.length ? html`<ul class="workers">${workers.slice(0, SHOWN_MAX).map((each) => worker(each, words))}</ul>` : html`<p class="soft">${words.say("console-workers-none")}</p>`}
    ${workers.length > SHOWN_MAX ? html`<p class="soft">${words.say("console-more", { count: words.number(workers.length - SHOWN_MAX) })}</p>` : ""}`;
}

const COLUMNS = ["console-type", "console-waiting", "console-later", "console-oldest", "console-running", "console-done", "console-repeats"];

/** @param {TypeNow} each @param {Words} words */
function row({ type, waiting, later, oldest_s, running, finished, repeats }, words) {
  const oldest = oldest_s === null ? null : duration(oldest_s, words);
  const number = (/** @type {number} */ value) => words.number(value);
  return { key: type, cells: [type, number(waiting), number(later), oldest, ...[running, finished, repeats].map(number)] };
}

/** @param {WorkerNow} each @param {Words} words */
const worker = ({ worker, jobs }, words) =>
  html`<li data-key="${worker}"><b>${worker}</b> ${words.say("console-worker-jobs", { count: words.number(jobs) })}</li>`;
