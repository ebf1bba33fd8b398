import { html } from "../html.js";
import { isHeld, renderPlot } from "./plot.js";
import { table } from "./table.js";

/**
 * @typedef {[number | null, number, number]} Seen what was said, low (null of a bound) and high, and what came, in seconds
 * @typedef {object} Part
 * @property {string} what
 * @property {number} answers
 * @property {number} none share of 1, as all that follow
 * @property {number | null} held
 * @property {number | null} below
 * @property {number | null} above
 * @property {number | null} bounds_held
 * @property {number | null} width median high ÷ low
 * @property {number | null} worst_stretch
 * @property {Seen[]} recent oldest first
 * @typedef {import("../words.js").Words} Words
 */

const PLOTTED = ["queue", "work", "work_at_start"];
const COLUMNS = ["what", "answers", "no", "held", "below", "above", "bounds_held", "width", "worst_stretch"];

/** How the stated waits held, by kind of job. Pure. @param {{types: {type: string, parts: Part[]}[]}} found @param {Words} words */
export function renderEstimates({ types }, words) {
  if (!types.length) return html`<p class="panel soft">${words.say("console-estimates-none")}</p>`;
  return html`<p class="soft">${words.say("console-estimates-hint")}</p>
    ${[...types].sort((a, b) => Number(isSaid(b)) - Number(isSaid(a))).map((each) => one(each, words))}`;
}

/** Whether anything was said; such kinds come first. @param {{parts: Part[]}} each */
const isSaid = ({ parts }) => parts.some(({ none }) => none < 1);

/** @param {{type: string, parts: Part[]}} each @param {Words} words */
function one({ type, parts }, words) {
  const said = parts.filter(({ none }) => none < 1);
  const plotted = said.filter(({ what }) => PLOTTED.includes(what));
  return html`<article class="panel" data-key="${type}" aria-labelledby="estimates-${type}">
    <h3 id="estimates-${type}">${type}</h3>
    ${plotted.length ? html`<div class="plots">${plotted.map((part) => figure(part, words))}</div>` : ""}
    ${said.length ? table(type, COLUMNS.map((name) => words.say(`console-estimates-${name}`)), said.map((part) => row(part, words))) : html`<p class="soft">${words.say("console-estimates-unsaid")}</p>`}
  </article>`;
}

/** @param {Part} part @param {Words} words */
function figure({ what, recent }, words) {
  const held = recent.filter(isHeld).length;
  const told = words.say("console-estimates-plot", { count: words.number(recent.length), done: words.number(held) });
  return html`<figure data-key="${what}">
    <figcaption><b>${words.say(`console-estimates-of-${what}`)}</b> ${told}</figcaption>
    ${renderPlot(recent, told, words)}
  </figure>`;
}

/** @param {Part} part @param {Words} words */
function row(part, words) {
  const percent = new Intl.NumberFormat(words.locale, { style: "percent", maximumFractionDigits: 0 });
  const share = (/** @type {number | null} */ value) => (value === null ? null : percent.format(value));
  const shares = [part.none, part.held, part.below, part.above, part.bounds_held].map(share);
  const width = part.width === null ? null : words.number(part.width);
  const what = words.say(`console-estimates-of-${part.what}`);
  return { key: part.what, cells: [what, words.number(part.answers), ...shares, width, share(part.worst_stretch)] };
}
