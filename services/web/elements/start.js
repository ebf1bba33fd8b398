import { newKey } from "./doing.js";

/**
 * @typedef {import("../types.js").Wish} Wish
 * @typedef {{uploading?: (done: number, total: number) => void, away?: () => void}} Teller
 */

/** A click that was not answered yet lives on in this tab, so that a refresh sends the same one again. */
export class Clicks {
  /** @param {Wish} wish */
  constructor(wish) {
    this.name = `tidings click ${JSON.stringify(wish)}`;
  }

  /** The key of the click that is under way, if there is one. */
  get pending() {
    return sessionStorage.getItem(this.name);
  }

  begin() {
    const key = this.pending ?? newKey();
    sessionStorage.setItem(this.name, key);
    return key;
  }

  end() {
    sessionStorage.removeItem(this.name);
  }
}

/**
 * The last wish that a button sent with a file, so that a reloaded page finds its job: the file itself is gone by then.
 * @param {Wish} bare the same wish without its file
 */
export function sentWith(bare) {
  const name = `tidings file ${JSON.stringify(bare)}`;
  return {
    /** @returns {Wish | null} */
    get: () => JSON.parse(sessionStorage.getItem(name) ?? "null"),
    /** @param {Wish} wish */
    put: (wish) => sessionStorage.setItem(name, JSON.stringify(wish)),
  };
}

/**
 * From a click to its job: however often nobody answers, it stays one click.
 * @param {import("../session.js").Session} session @param {Wish} wish @param {Teller} teller
 */
export async function start(session, wish, teller) {
  const clicks = new Clicks(wish);
  const view = await session.client.submitSurely(wish, { key: clicks.begin(), away: teller.away }).catch((error) => {
    clicks.end(); // refused, so there is nothing to send again
    throw error;
  });
  clicks.end();
  await session.put(view);
  return view;
}

/**
 * The file first. While it is on its way, leaving the page would lose it, so the browser asks before.
 * @param {import("../session.js").Session} session @param {File} file @param {Teller} teller
 */
export async function upload(session, file, teller) {
  const stay = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
  addEventListener("beforeunload", stay);
  try {
    return await session.client.upload(file, { key: newKey(), progress: teller.uploading });
  } finally {
    removeEventListener("beforeunload", stay);
  }
}
