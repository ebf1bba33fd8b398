import { Board } from "./board.js";
import { Client } from "./client.js";
import { Shared } from "./shared.js";
import { language, loadWords } from "./words.js";

const BASE = new URL("..", import.meta.url).href.replace(/\/$/, "");

/** What the elements of a page share: one client, one board of newest states, one set of words. */
export class Session {
  /** @type {Map<string, Shared>} */
  #topics = new Map();

  /** @param {Client} client @param {import("./words.js").Words} words */
  constructor(client, words) {
    this.client = client;
    this.words = words;
    this.board = new Board();
    addEventListener("offline", () => this.board.reach(false));
  }

  /** Be told of a job, or of all of an owner's, until the answer is called. @param {import("./follow.js").Topic} topic */
  watch(topic) {
    const name = JSON.stringify(topic);
    const known = this.#topics.get(name) ?? new Shared(this.client, topic, this.board);
    this.#topics.set(name, known);
    return known.use();
  }

  /** One job: by its owner's stream where we are that owner. @param {string} id */
  async watchJob(id) {
    const owner = await this.client.owner();
    const release = this.watch(owner ? { owner } : { job: id });
    if (owner && !this.board.get(id)) this.put(await this.client.get(id)).catch(() => {});
    return release;
  }

  /** What a call of ours was answered: for this tab and the others. @param {import("./types.js").JobView} view */
  async put(view) {
    this.board.put(view);
    const { reopened: _, repeat: __, ...plain } = view;
    this.#topics.get(JSON.stringify({ owner: view.owner }))?.tell({ view: plain });
    return view;
  }
}

/** @type {(session: Session) => void} */
let begin;
/** @type {Promise<Session>} */
const begun = new Promise((resolve) => (begin = resolve));

/** The page's session, once the page has said how it gets its passes. */
export function session() {
  return begun;
}

/**
 * Say how this page gets its passes; once, as early as you like.
 * @param {{base?: string, pass: (old: import("./types.js").Pass | null) => Promise<import("./types.js").Pass>}} options
 */
export async function configure({ base = BASE, pass }) {
  const spoken = language();
  const words = await loadWords(base, spoken);
  const made = new Session(new Client({ base, language: spoken, pass }), words);
  begin(made);
  return made;
}
