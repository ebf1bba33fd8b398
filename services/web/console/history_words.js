import { inWords } from "./kinds.js";

/**
 * @typedef {{type: string, version: number, recorded_at: string, actor: {kind: string, id: string}, data: any}} Sealed
 * @typedef {import("../words.js").Words} Words
 */

const PRIVATE = /private:\S+/g; // ciphertext, whoever reads it

/** Who did it, where that was a person or a worker, and the one fact that matters.
 *  @param {Sealed} event @param {Sealed} first @param {Words} words */
export function detail(event, first, words) {
  const who = event.actor.kind === "user" ? event.actor.id : (event.data.worker ?? null);
  const said = fact(event, first, words)?.replace(PRIVATE, words.say("console-private"));
  return [who, said].filter(Boolean).join(" · ");
}

/** @param {Sealed} event @param {Sealed} first @param {Words} words @returns {string | null} */
function fact({ type, data }, first, words) {
  if (type === "StageStarted") return stage(data.stage, first, words);
  if (type === "ProgressReported") return [data.done, data.total].filter((each) => each !== null).map((each) => words.number(each)).join(" / ");
  if (type === "ItemsFailed") return data.items.map((/** @type {any} */ item) => place(item, words)).slice(0, 3).join(" · ");
  if (type === "RequestRepeated") return `× ${words.number(data.clicks)}`;
  if (type === "RetryScheduled") return words.time(data.at, new Date());
  if (type === "ResultStored") return data.result.name;
  return [data.text ?? data.reason, data.stated?.text].filter(Boolean).join(" · ") || null;
}

/** @param {string} name @param {Sealed} first @param {Words} words */
function stage(name, first, words) {
  const found = (first.data.definition?.stages ?? []).find((/** @type {{name: string}} */ each) => each.name === name);
  return inWords(found?.label, words) ?? name;
}

/** @param {{row?: number | null, column?: string | null, reason?: string | null, id: string}} item @param {Words} words */
function place({ row, column, reason, id }, words) {
  const where = row ? `${words.say("screen-row")} ${row}` : id.length > 20 ? "" : id;
  return [where, column, reason].filter(Boolean).join(" ");
}
