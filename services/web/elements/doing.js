import { Refused } from "../errors.js";

/**
 * @typedef {import("../types.js").JobView} JobView
 * @typedef {import("../types.js").Action} Action
 * @typedef {import("../session.js").Session} Session
 */

/**
 * What is said before: null where it can go ahead at once, else the words to show and the hash to confirm.
 * @param {Session} session @param {JobView} view @param {Action} action
 * @returns {Promise<{action: Action, text: string, plan: string | null} | null>}
 */
export async function plan({ client }, view, action) {
  if (action.name === "again") return action.warning ? { action, text: action.warning, plan: null } : null;
  const scope = scopeOf(action);
  const mends = view.state === "needs_fix" && action.name === "retry_failed";
  if (!action.needs_confirmation && !mends) return null;
  const found = await client.plan(view.id, scope);
  const text = [found.text, found.confirm_text].filter(Boolean).join(" ");
  return { action, text, plan: mends ? null : found.plan };
}

/** What is private of a request is not in the history, so it can't be sent again from there. */
export class Unreadable extends Error {}

/** @param {{input: unknown, settings: unknown}} first */
const isHidden = ({ input, settings }) => JSON.stringify([input, settings]).includes('"private:');

/** @param {Action} action */
export const scopeOf = (action) => (action.name === "retry_failed" ? "failed_items" : "all");

/**
 * The retry itself. With a fixed file the plan is another one, so it is asked for and told again.
 * @param {Session} session @param {JobView} view @param {{action: Action, plan: string | null}} asked
 * @param {File | null} fixed
 * @returns {Promise<{view: JobView} | {asked: {action: Action, text: string, plan: string, input: unknown}}>}
 */
export async function retry({ client }, view, asked, fixed, /** @type {unknown} */ known = undefined) {
  const input = known ?? (fixed ? { upload: (await client.upload(fixed, { key: newKey() })).id } : undefined);
  const wish = { scope: scopeOf(asked.action), ...(input === undefined ? {} : { input }) };
  const confirmed = asked.plan ? { confirm: true, plan: asked.plan } : {};
  try {
    return { view: await client.retry(view.id, { ...wish, ...confirmed }) };
  } catch (error) {
    const told = error instanceof Refused ? error.problem.plan : undefined;
    if (!told) throw error;
    const text = [told.text, told.confirm_text].filter(Boolean).join(" ");
    return { asked: { action: asked.action, text, plan: told.plan, input } };
  }
}

/**
 * A fresh run of the same: its request stands in the job's first event.
 * @param {Session} session @param {JobView} view
 */
export async function again({ client }, view) {
  const first = (await client.events(view.id, "limit=1")).events[0].data;
  if (isHidden(first)) throw new Unreadable();
  const wish = { type: first.type, owner: first.owner, input: first.input, settings: first.settings, size: first.size, title: first.title };
  return client.submit({ ...wish, again: true }, { key: newKey() });
}

const THEIRS_TO_MEND = [409, 413];

/**
 * A refusal as the person reads it, who can't mend what the page itself asked wrongly.
 * @param {import("../types.js").ProblemBody} problem @param {import("../words.js").Words} words
 */
export function refusal({ status, type = "", detail, next }, words) {
  if (status === 404) return words.say("screen-not-found");
  if (THEIRS_TO_MEND.includes(status) || type.endsWith("/unknown-upload")) return `${detail} ${next}`;
  return words.say("screen-refused");
}

/** A key that no other click has. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}
