import { Away, Refused, fromProblem } from "./errors.js";
import { pauses, rest } from "./pauses.js";
import { send } from "./sending.js";

/**
 * @typedef {import("./types.js").JobView} JobView
 * @typedef {import("./types.js").Pass} Pass
 */

/** The calls that a page needs. Every answer is the service's own; nothing is made up here. */
export class Client {
  /** As if there were no network: for demos and tests. */
  cut = false;
  /** @type {Pass | null} */
  #pass = null;
  /** @type {Promise<Pass> | null} */
  #asking = null;

  /** @param {{base?: string, language?: string, pass: (old: Pass | null) => Promise<Pass>}} options
   *    `pass` asks your own server for a pass (POST /v1/passes there); it is called again when one has run out */
  constructor({ base = "", language = "en", pass }) {
    this.base = base.replace(/\/$/, "");
    this.language = language;
    this.askPass = pass;
  }

  /** @param {boolean} [fresh] */
  async pass(fresh = false) {
    if (this.cut) throw new Away();
    if (this.#pass && !fresh) return this.#pass;
    this.#asking ??= this.askPass(this.#pass).finally(() => (this.#asking = null));
    return (this.#pass = await this.#asking);
  }

  /** Whose jobs these are, where the pass says so. */
  async owner() {
    return (await this.pass()).owner;
  }

  /**
   * One call. Throws Away where nobody answered or nothing could be saved, Refused for every other refusal.
   * @param {string} method
   * @param {string} path
   * @param {{body?: unknown, key?: string, signal?: AbortSignal, headers?: Record<string, string>}} [more]
   * @returns {Promise<Response>}
   */
  async call(method, path, { body, key, signal, headers = {} } = {}) {
    const ask = async (/** @type {boolean} */ fresh) =>
      fetch(this.base + path, {
        method,
        signal,
        cache: "no-store",
        headers: { ...(await this.headers(fresh)), ...(key ? { "Idempotency-Key": key } : {}), ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    let response;
    try {
      response = await ask(false);
      if (response.status === 401) response = await ask(true);
    } catch (error) {
      if (signal?.aborted || error instanceof Refused) throw error;
      throw new Away();
    }
    if (response.ok || response.status === 304) return response;
    throw fromProblem(response.status, await response.json().catch(() => null));
  }

  /** @param {boolean} [fresh] */
  async headers(fresh = false) {
    const { token } = await this.pass(fresh);
    return { Authorization: `Bearer ${token}`, "Accept-Language": this.language, "Content-Type": "application/json" };
  }

  /**
   * Start a job, or open the one that is there. With the same key it is the same click, however often it is sent.
   * @param {import("./types.js").Wish} wish
   * @param {{key?: string, signal?: AbortSignal}} [more]
   * @returns {Promise<JobView>}
   */
  async submit(wish, more) {
    return (await this.call("POST", "/v1/jobs", { ...more, body: await this.#owned(wish) })).json();
  }

  /**
   * The same, again and again until somebody answers.
   * @param {import("./types.js").Wish} wish
   * @param {{key: string, signal?: AbortSignal, away?: () => void}} more `away` is called when nobody answers
   */
  async submitSurely(wish, { key, signal, away }) {
    return surely(() => this.submit(wish, { key, signal }), signal, away);
  }

  /**
   * What the same submit would open, or null. It is no click.
   * @param {import("./types.js").Wish} wish
   * @param {{signal?: AbortSignal}} [more]
   * @returns {Promise<JobView | null>}
   */
  async find(wish, { signal } = {}) {
    const response = await this.call("POST", "/v1/jobs/find", { signal, body: await this.#owned(wish) });
    return response.status === 204 ? null : response.json();
  }

  /**
   * The same, again and again until somebody answers.
   * @param {import("./types.js").Wish} wish
   * @param {AbortSignal} signal
   */
  async findSurely(wish, signal) {
    return surely(() => this.find(wish, { signal }), signal);
  }

  /** @param {import("./types.js").Wish} wish */
  async #owned(wish) {
    return { ...wish, owner: wish.owner ?? (await this.owner()) };
  }

  /** @param {string} id @param {{at?: string}} [more] @returns {Promise<JobView>} */
  async get(id, { at } = {}) {
    return (await this.call("GET", `/v1/jobs/${id}${at ? `?at=${encodeURIComponent(at)}` : ""}`)).json();
  }

  /** @param {Record<string, string>} filters @returns {Promise<{jobs: JobView[], next: string | null}>} */
  async list(filters) {
    return (await this.call("GET", `/v1/jobs?${new URLSearchParams(filters)}`)).json();
  }

  /** @param {string} id @returns {Promise<JobView>} */
  async cancel(id) {
    return (await this.call("POST", `/v1/jobs/${id}/cancel`, { body: {} })).json();
  }

  /** What a retry would do. @param {string} id @param {string} scope @returns {Promise<import("./types.js").Plan>} */
  async plan(id, scope) {
    return (await this.call("GET", `/v1/jobs/${id}/retry?scope=${scope}`)).json();
  }

  /**
   * Where it must be confirmed first, it throws Refused with the plan.
   * @param {string} id
   * @param {{scope: string, confirm?: boolean, plan?: string, input?: unknown}} wish
   * @returns {Promise<JobView>}
   */
  async retry(id, wish) {
    return (await this.call("POST", `/v1/jobs/${id}/retry`, { body: wish })).json();
  }

  /** The items that failed. @param {string} id @param {number} limit */
  async problems(id, limit) {
    const response = await this.call("GET", `/v1/jobs/${id}/problems?limit=${limit}`, {
      headers: { Accept: "application/json" },
    });
    return /** @type {Promise<{items: import("./types.js").Item[], next: string | null}>} */ (response.json());
  }

  /** The sealed history. @param {string} id @param {string} [query] */
  async events(id, query = "limit=1000") {
    return (await this.call("GET", `/v1/jobs/${id}/events?${query}`)).json();
  }

  /**
   * Store a file, telling how far it is.
   * @param {File} file
   * @param {{key?: string, signal?: AbortSignal, progress?: (done: number, total: number) => void}} [more]
   * @returns {Promise<{id: string, sha256: string, size: number}>}
   */
  async upload(file, more = {}) {
    return send(this, file, more);
  }

  /**
   * The job's states as they come, none of them older than the one before; ends with the job, or with `signal`.
   * @param {string} id
   * @param {{signal?: AbortSignal}} [more]
   * @returns {AsyncGenerator<JobView>}
   */
  async *watch(id, { signal } = {}) {
    const { views } = await import("./follow.js");
    yield* views(this, id, signal);
  }
}

/**
 * @template T
 * @param {() => Promise<T>} ask
 * @param {AbortSignal} [signal]
 * @param {() => void} [away] called when nobody answers
 * @returns {Promise<T>}
 */
async function surely(ask, signal, away) {
  for (const pause of pauses()) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Away) || signal?.aborted) throw error;
      away?.();
      await rest(error.after_ms ?? pause, signal);
    }
  }
  throw new Away();
}
