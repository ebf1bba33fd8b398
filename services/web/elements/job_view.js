import { html } from "../html.js";

/**
 * @typedef {import("../types.js").JobView} JobView
 * @typedef {import("../types.js").Action} Action
 * @typedef {import("../words.js").Words} Words
 * @typedef {object} Local what this screen alone knows, beside the view
 * @property {import("../types.js").Item[]} items failed items, the first few
 * @property {{action: Action, text: string, plan: string | null} | null} asked a retry that waits for a yes
 * @property {string} note what the last click met
 * @property {string | null} busy the action that was clicked and is not answered yet
 * @property {boolean} reached
 * @property {boolean} frozen a past moment: nothing can be done with it
 */

/**
 * The whole row: five questions answered, then what a person can do. Pure: the same in, the same out.
 * @param {JobView} view @param {Date} now @param {Words} words @param {Local} local
 */
export function render(view, now, words, local) {
  const hold = view.state === "queued" || view.state === "running" ? "hold" : "";
  return html`<article class="card ${hold}" aria-labelledby="title">
    <div class="head">
      <h3 class="title" id="title">${view.title}</h3>
      ${pill(view, words)}
    </div>
    ${local.reached ? "" : html`<p class="box calm" data-key="away">${words.say("screen-away")}</p>`}
    <p class="sentence">${view.sentence}</p>
    ${progress(view)} ${stages(view, words)} ${problem(view, words, local)} ${facts(view, local)}
    ${local.note ? html`<p class="box calm" data-key="note">${local.note}</p>` : ""} ${asking(view, words, local)}
    ${local.frozen || local.asked ? "" : actions(view, local)} ${meta(view, now, words)}
  </article>`;
}

/** Still working, quiet and stuck look different. @param {JobView} view @param {Words} words */
export function pill(view, words) {
  const shown = view.liveness === "quiet" || view.liveness === "stuck" ? view.liveness : "";
  const label = shown ? `${view.label}: ${words.say(`screen-${shown}`)}` : view.label;
  return html`<span class="pill ${view.state} ${view.liveness ?? ""}">${label}</span>`;
}

/** A bar only where it is measured. @param {JobView} view */
function progress({ progress, sentence, state }) {
  if (!progress?.total || state !== "running") return "";
  return html`<progress max="${progress.total}" value="${progress.done}" aria-label="${sentence}"></progress>`;
}

/** @param {JobView} view @param {Words} words */
function stages({ stages, state }, words) {
  if (!stages.length || state === "finished" || state === "canceled") return "";
  return html`<ol class="stages" aria-label="${words.say("screen-stages")}">
    ${stages.map(
      ({ label, state }) =>
        html`<li class="${state}"><i aria-hidden="true"></i>${label}<span class="sr">, ${words.say(`screen-stage-${state}`)}</span></li>`,
    )}
  </ol>`;
}

/** What is wrong, where, and the next step: together. @param {JobView} view @param {Words} words @param {Local} local */
function problem({ ref, problem, state, sentence, liveness }, words, { items: known, frozen }) {
  if (!problem) return "";
  // Of a past moment the view names the first failed item; the others are known as they are today alone.
  const { row, column, reason, count } = problem;
  const first = frozen && count && reason !== null ? [{ row, column, reason, value: null }] : [];
  const items = frozen ? first : known;
  const tone = liveness === "stuck" ? "bad" : "";
  const said = problem.text === sentence || (!items.length && sentence.includes(problem.text));
  return html`<section class="box ${tone}" data-key="problem">
    ${said ? "" : html`<strong>${problem.text}</strong>`}
    ${items.length ? table(items, words) : ""}
    ${!frozen && items.length && (count ?? 0) > items.length ? html`<p class="note">${words.say("screen-more", { count: words.number(count ?? 0) })}</p>` : ""}
    <p>${whole(problem.next, ref)}</p>
    ${state === "needs_fix" ? html`<p class="note">${words.say("screen-not-running")}</p>` : problem.still_running ? html`<p class="note">${words.say("screen-still-running")}</p>` : ""}
  </section>`;
}

/** The job's ID in a sentence is not broken at its line's end. @param {string} text @param {string} ref */
const whole = (text, ref) => text.split(ref).map((part, n) => html`${n ? html`<span class="whole">${ref}</span>` : ""}${part}`);

/** @param {Pick<import("../types.js").Item, "row" | "column" | "reason" | "value">[]} items @param {Words} words */
function table(items, words) {
  const placed = items.some((item) => item.row !== null || item.column !== null);
  // What has no place in a file is known by its name alone, so that comes first.
  /** @type {("row" | "column" | "reason" | "value")[]} */
  const columns = placed ? ["row", "column", "reason", "value"] : ["value", "reason"];
  const shown = columns.filter((each) => items.some((item) => item[each] !== null && item[each] !== ""));
  const named = (/** @type {string} */ each) => words.say(each === "value" && !placed ? "screen-which" : `screen-${each}`);
  const text = (/** @type {unknown} */ value) => (typeof value === "string" || value === null ? value : JSON.stringify(value));
  const plain = placed ? "" : "plain";
  // The roles keep it a table for screen readers where a narrow row shows its cells below one another.
  return html`<div class="rows ${plain}" tabindex="0" role="group" aria-label="${words.say("screen-reason")}">
    <table role="table">
      <thead role="rowgroup"><tr role="row">${shown.map((each) => html`<th scope="col" role="columnheader">${named(each)}</th>`)}</tr></thead>
      <tbody role="rowgroup">${items.map((item) => html`<tr role="row">${shown.map((each) => cell(named(each), text(item[each])))}</tr>`)}</tbody>
    </table>
  </div>`;
}

/** @param {string} name @param {unknown} text */
const cell = (name, text) => html`<td role="cell" data-name="${name}">${text}</td>`;

/** How long, may I leave, where will it be. A wait that nobody can renew is not kept.
 *  @param {JobView} view @param {Local} local */
function facts({ state, wait, waiting, leave, result, actions }, { reached, frozen }) {
  const open = state === "queued" || state === "running";
  const stops = !actions.some(({ name }) => name === "cancel"); // asked to stop: how long the work takes no longer matters
  const parts = [wait.queue?.text, wait.work?.text].filter(Boolean);
  const waits = open && !stops && (reached || frozen) ? [waiting?.text, ...(parts.length > 1 ? parts : [wait.text])] : [];
  return html`<div class="facts">
    ${waits.filter(Boolean).map((text) => html`<p class="wait">${text}</p>`)}
    ${open || state === "needs_fix" ? html`<p>${leave.text}</p>` : ""}
    ${state === "canceled" || !result.ready ? html`<p>${result.place}</p>` : ""}
  </div>`;
}

/** The plan of a retry in words, before it happens. @param {JobView} view @param {Words} words @param {Local} local */
function asking(view, words, { asked, busy }) {
  if (!asked) return "";
  const mends = view.state === "needs_fix" && asked.action.name === "retry_failed";
  return html`<form class="box" data-key="asking" aria-label="${words.say("screen-confirm")}">
    <strong tabindex="-1" id="plan">${words.say("screen-confirm")}</strong>
    <p>${asked.text}</p>
    ${mends && !asked.plan ? html`<label>${words.say("screen-fixed-file")}<input type="file" name="fixed" aria-describedby="hint" /><span class="note" id="hint">${words.say("screen-fixed-hint")}</span></label>` : ""}
    <div class="actions">
      <button class="main" type="submit" ${attribute("disabled", busy)}>${asked.action.label}</button>
      <button type="button" data-do="not-now">${words.say("screen-not-now")}</button>
    </div>
  </form>`;
}

/** @param {string} name @param {unknown} is */
const attribute = (name, is) => html`${is ? name : ""}`;

const CALLING = ["needs_fix", "finished"];

/** @param {JobView} view @param {Local} local */
function actions({ actions, state }, { busy }) {
  if (!actions.length) return "";
  return html`<div class="actions" data-key="actions">
    ${actions.map(({ name, label, method, href }, n) => {
      // While it runs, and once it was canceled, there is nothing that waits to be done, so nothing stands out.
      const main = n === 0 && CALLING.includes(state) && name !== "again" ? "main" : "";
      if (method === "GET") return html`<a class="link ${main}" data-key="${name}" href="${href}" download>${label}</a>`;
      return html`<button class="${main}" data-key="${name}" data-do="${name}" type="button" ${attribute("disabled", busy === name)}>${label}</button>`;
    })}
  </div>`;
}

/** @param {JobView} view @param {Date} now @param {Words} words */
function meta({ ref, created_at, finished_at }, now, words) {
  return html`<div class="meta">
    <button class="ref" data-do="copy" type="button" title="${words.say("screen-copy", { ref })}"><span class="sr">${words.say("screen-copy", { ref: "" })}</span>${ref}</button>
    <time datetime="${created_at}">${words.say("screen-at-created", { time: words.time(created_at, now) })}</time>
    ${finished_at ? html`<time datetime="${finished_at}">${words.say("screen-at-finished", { time: words.time(finished_at, now) })}</time>` : ""}
  </div>`;
}
