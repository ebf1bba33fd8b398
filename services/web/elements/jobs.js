import { html, show } from "../html.js";
import { TidingsElement } from "./element.js";
import { pill } from "./job_view.js";
import { jobsSheets } from "./style.js";

const SHOWN = 50;
const GROUPS = /** @type {const} */ ([
  ["blocked", ["needs_fix"]],
  ["open", ["running", "queued"]],
  ["ended", ["finished", "canceled"]],
]);

/**
 * The panel of a person's jobs, running, blocked and ended, whatever became of the tab that started them.
 * Attributes: `owner`, where the page's pass does not say it.
 */
export class TidingsJobs extends TidingsElement {
  static observedAttributes = ["owner"];
  #owner = "";
  #opened = "";
  /** @type {string | null | undefined} */
  #next;
  #due = 0;

  constructor() {
    super(jobsSheets);
    this.root.addEventListener("click", (event) => this.#click(/** @type {Element} */ (event.target)));
  }

  /** Open a job's row and move the focus there; whether it is here. @param {string} id */
  reveal(id) {
    if (!this.#jobs().some((view) => view.id === id)) return false;
    this.#opened = id;
    this.#draw();
    /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-job="${id}"]`))?.focus();
    return true;
  }

  /** @override @param {import("../session.js").Session} here @param {AbortSignal} signal */
  async begin(here, signal) {
    this.#draw();
    const owner = this.getAttribute("owner") ?? (await here.client.owner().catch(() => undefined));
    if (!owner || signal.aborted) return;
    this.#owner = owner;
    signal.addEventListener("abort", here.watch({ owner }));
    const soon = () => (this.#due ||= requestAnimationFrame(() => ((this.#due = 0), this.#draw())));
    this.listen("view", soon, signal);
    this.listen("reached", soon, signal);
    this.#draw();
  }

  #jobs() {
    const views = this.here?.board.all(this.#owner) ?? [];
    return views.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  }

  /** @param {Element} target */
  async #click(target) {
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-job], [data-older]"));
    if (row?.dataset.job) this.#opened = this.#opened === row.dataset.job ? "" : row.dataset.job;
    else if (row) await this.#older();
    this.#draw();
  }

  async #older() {
    if (!this.here) return;
    /** @type {Record<string, string>} */
    const page = { owner: this.#owner, limit: String(SHOWN), ...(this.#next ? { cursor: this.#next } : {}) };
    const found = await this.here.client.list(page).catch(() => null);
    for (const view of found?.jobs ?? []) this.here.board.put(view);
    if (found) this.#next = found.next;
  }

  #draw() {
    const words = this.here?.words;
    if (!words) return;
    const [jobs, now] = [this.#jobs(), new Date()];
    const groups = GROUPS.map(([name, states]) => ({
      name,
      views: jobs.filter((view) => /** @type {readonly string[]} */ (states).includes(view.state)),
    })).filter(({ views }) => views.length);
    const older = this.#next !== null && jobs.length >= SHOWN;
    show(
      this.root,
      html`<section aria-labelledby="jobs">
        <h2 id="jobs">${words.say("screen-jobs")}</h2>
        ${this.here?.board.reached ? "" : html`<p class="note" role="status">${words.say("screen-away")}</p>`}
        ${groups.length ? "" : html`<p class="note" data-key="none">${words.say("screen-jobs-none")}</p>`}
        ${groups.map(
          ({ name, views }) => html`<div data-key="${name}">
            <h3>${words.say(`screen-jobs-${name}`)}</h3>
            <ul>
              ${views.map((view) => this.#row(view, words, now))}
            </ul>
          </div>`,
        )}
        ${older ? html`<button type="button" data-older>${words.say("screen-jobs-older")}</button>` : ""}
      </section>`,
    );
  }

  /** @param {import("../types.js").JobView} view @param {import("../words.js").Words} words @param {Date} now */
  #row(view, words, now) {
    const open = this.#opened === view.id;
    return html`<li data-key="${view.id}">
      <button class="row" type="button" data-job="${view.id}" aria-expanded="${open ? "true" : "false"}">
        <span class="line"><b>${view.title}</b> ${pill(view, words)}</span>
        <span>${view.sentence}</span>
        <span class="small">${view.ref} · ${words.time(view.created_at, now)}</span>
      </button>
      ${open ? html`<tidings-job id="${view.id}"></tidings-job>` : ""}
    </li>`;
  }
}
