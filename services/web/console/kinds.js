import { html } from "../html.js";
import { duration } from "./durations.js";

/**
 * @typedef {string | Record<string, string> | null} Text one for all, or one for each language
 * @typedef {object} Kind a job type, every field written
 * @property {string} name
 * @property {Text} title
 * @property {{name: string, label: Text}[]} stages
 * @property {{place: Text}} result
 * @property {{same: string[], for: string}} dedupe
 * @property {{safety: string, mode: string, attempts: number}} retry
 * @property {{per_tenant: number | null, per_owner: number | null, total: number | null}} limits
 * @property {number} lease
 * @typedef {import("../words.js").Words} Words
 */

const NAMED = ["while_active", "forever", "never"];
const LIMITS = /** @type {const} */ (["per_owner", "per_tenant", "total"]);

/** What each kind of job promises, in words. Pure. @param {Kind[]} kinds @param {Words} words */
export function renderKinds(kinds, words) {
  if (!kinds.length) return html`<p class="soft">${words.say("console-kinds-none")}</p>`;
  return html`<div class="kinds">${kinds.map((kind) => one(kind, words))}</div>`;
}

/** @param {Text} text @param {Words} words */
export const inWords = (text, words) => (text && typeof text === "object" ? (text[words.language] ?? text.en ?? Object.values(text)[0]) : text);

/** @param {Kind} kind @param {Words} words */
function one(kind, words) {
  const { retry } = kind;
  const facts = [
    ["console-kind-steps", kind.stages.map((stage) => inWords(stage.label, words) ?? stage.name).join(" → ") || "–"],
    ["console-kind-same", same(kind, words)],
    ["console-kind-retry", `${words.say(`console-kind-${retry.safety}`)} ${words.say(`console-kind-${retry.mode}`)}`],
    ["console-kind-tries", words.number(retry.attempts)],
    ["console-kind-limits", limits(kind, words)],
    ["console-kind-silent", words.say("console-kind-lease", { time: duration(kind.lease, words) })],
    ["console-kind-result", inWords(kind.result.place, words) ?? "–"],
  ];
  return html`<article class="panel kind" data-key="${kind.name}" aria-labelledby="kind-${kind.name}">
    <h3 id="kind-${kind.name}">${inWords(kind.title, words)} <small>${kind.name}</small></h3>
    <dl>${facts.map(([id, text]) => html`<div><dt>${words.say(id)}</dt><dd>${text}</dd></div>`)}</dl>
  </article>`;
}

/** When two requests are one. @param {Kind} kind @param {Words} words */
function same({ dedupe }, words) {
  const name = dedupe.same.join(", ");
  if (NAMED.includes(dedupe.for)) return words.say(`console-kind-${dedupe.for}`, { name });
  const [, count, unit] = /^(\d+)([smhd])$/.exec(dedupe.for) ?? [];
  const seconds = Number(count) * { s: 1, m: 60, h: 3_600, d: 86_400 }[/** @type {"s" | "m" | "h" | "d"} */ (unit)];
  return words.say("console-kind-period", { name, time: duration(seconds, words) });
}

/** @param {Kind} kind @param {Words} words */
function limits({ limits }, words) {
  const set = LIMITS.filter((each) => limits[each] !== null);
  const said = set.map((each) => words.say(`console-kind-${each}`, { count: words.number(limits[each] ?? 0) }));
  return said.join(" ") || words.say("console-kind-unlimited");
}
