import { html, show } from "../html.js";

const ROW_PX = 76;
const PAGE = 100;
const PICKED_MAX = 1000;
const AHEAD = 6; // rows drawn beyond what is seen
const REST_MS = 150; // while somebody types

/** @typedef {import("../types.js").JobView} JobView */

/** A list of any length: only what is seen is drawn, and pages are fetched as they come near. The service searches. */
export class JobList {
  /** @type {{cursor: string | null, jobs: JobView[]}[]} as they were fetched; a page is looked at again where it is seen */
  #pages = [];
  /** @type {string | null} */
  #next = null;
  /** @type {Map<string, JobView>} */
  #picked = new Map();
  #current = "";
  #asked = 0;
  #shown = 0; // which of the searches that were asked the list shows
  #loading = false;
  #timer = 0;
  #typed = false; // and a search for it is not asked yet
  /** @type {Record<string, string>} */
  filters = {};

  /** @param {HTMLElement} root @param {import("../client.js").Client} client @param {import("../words.js").Words} words
   *  @param {{open: (view: JobView) => void, picked: (views: JobView[]) => void}} tell */
  constructor(root, client, words, tell) {
    this.root = root;
    this.client = client;
    this.words = words;
    this.tell = tell;
    root.addEventListener("scroll", () => this.#draw(), { passive: true });
    root.addEventListener("click", ({ target }) => this.#click(/** @type {Element} */ (target)));
    root.addEventListener("change", ({ target }) => this.#pick(/** @type {HTMLInputElement} */ (target)));
  }

  search() {
    this.#typed = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), REST_MS);
  }

  async #search() {
    const asked = ++this.#asked;
    this.#typed = false;
    const found = await this.#page(null);
    if (!found || asked !== this.#asked) return; // a newer search is under way
    this.#shown = asked;
    this.#pages = [{ cursor: null, jobs: found.jobs }];
    this.#next = found.next;
    this.#picked.clear();
    this.tell.picked([]);
    this.root.scrollTop = 0;
    this.#draw();
  }

  get #jobs() {
    return this.#pages.flatMap(({ jobs }) => jobs);
  }

  /** What became of the jobs that are on the screen, and new ones on top, without losing the place. */
  async refresh() {
    const [asked, page] = [this.#asked, this.#seen()];
    const found = page && (await this.#page(page.cursor));
    if (!found || asked !== this.#asked) return;
    const elsewhere = new Set(this.#pages.flatMap((each) => (each === page ? [] : each.jobs)).map(({ id }) => id));
    const oldest = found.next === null ? "" : (found.jobs.at(-1)?.created_at ?? "");
    const pushed = page.cursor === null ? page.jobs.filter(({ created_at }) => created_at < oldest) : [];
    page.jobs = [...found.jobs.filter(({ id }) => !elsewhere.has(id)), ...pushed];
    for (const view of page.jobs) if (this.#picked.has(view.id)) this.#picked.set(view.id, view);
    this.#draw();
  }

  /** The page that is on the screen. */
  #seen() {
    let row = Math.floor(this.root.scrollTop / ROW_PX);
    return this.#pages.find(({ jobs }) => (row -= jobs.length) < 0) ?? this.#pages.at(-1);
  }

  async #more() {
    if (this.#loading || !this.#next) return;
    this.#loading = true;
    const [asked, cursor] = [this.#asked, this.#next];
    const found = await this.#page(cursor);
    this.#loading = false;
    if (!found || asked !== this.#asked) return;
    this.#pages.push({ cursor, jobs: found.jobs });
    this.#next = found.next;
    this.#draw();
  }

  /** What stands in the fields is what the list shows. */
  get #isCurrent() {
    return !this.#typed && this.#shown === this.#asked;
  }

  /** Pick all that match, as many as one person should touch at once. */
  async pickAll() {
    clearTimeout(this.#timer);
    if (!this.#isCurrent) await this.#search();
    if (!this.#isCurrent) return; // nobody answers, or somebody types on
    const asked = this.#asked;
    while (this.#next && this.#jobs.length < PICKED_MAX && asked === this.#asked) {
      const before = this.#jobs.length;
      await this.#more();
      if (this.#jobs.length === before) break; // nobody answers
    }
    if (asked !== this.#asked) return;
    this.#picked = new Map(this.#jobs.slice(0, PICKED_MAX).map((view) => [view.id, view]));
    this.tell.picked([...this.#picked.values()]);
    this.#draw();
  }

  /** @param {string | null} cursor */
  #page(cursor) {
    return this.client.list({ ...this.filters, limit: String(PAGE), ...(cursor ? { cursor } : {}) }).catch(() => null);
  }

  /** @param {Element} target */
  #click(target) {
    const id = /** @type {HTMLElement | null} */ (target.closest("[data-open]"))?.dataset.open;
    const view = this.#jobs.find((each) => each.id === id);
    if (!view) return;
    this.#current = view.id;
    this.tell.open(view);
    this.#draw();
  }

  /** @param {HTMLInputElement} box */
  #pick(box) {
    const view = this.#jobs.find((each) => each.id === box.value);
    if (!view) return;
    if (box.checked) this.#picked.set(view.id, view);
    else this.#picked.delete(view.id);
    this.tell.picked([...this.#picked.values()]);
  }

  #draw() {
    const jobs = this.#jobs;
    if (!jobs.length) show(this.root, html`<p class="soft" role="status">${this.words.say(this.#next ? "console-searching" : "console-none")}</p>`);
    if (!jobs.length) return void this.#more(); // the service looks at a part of a long history at a time
    const first = Math.max(0, Math.floor(this.root.scrollTop / ROW_PX) - AHEAD);
    const last = Math.min(jobs.length, first + Math.ceil(this.root.clientHeight / ROW_PX) + 2 * AHEAD);
    show(this.root, html`<ul>${jobs.slice(first, last).map((view) => this.#row(view))}</ul>`);
    const list = /** @type {HTMLElement} */ (this.root.firstElementChild);
    list.style.height = `${jobs.length * ROW_PX}px`;
    [...list.children].forEach((item, n) => (/** @type {HTMLElement} */ (item).style.top = `${(first + n) * ROW_PX}px`));
    for (const box of list.querySelectorAll("input")) box.checked = this.#picked.has(box.value);
    if (last > jobs.length - PAGE / 4) this.#more();
  }

  /** @param {JobView} view */
  #row({ id, ref, title, owner, label, sentence, created_at }) {
    return html`<li data-key="${id}">
      <input type="checkbox" value="${id}" aria-label="${this.words.say("console-pick", { ref })}" />
      <button type="button" data-open="${id}" aria-current="${id === this.#current ? "true" : "false"}">
        <b>${title}</b><span>${label} · ${sentence}</span><span>${ref} · ${owner} · ${this.words.time(created_at, new Date())}</span>
      </button>
    </li>`;
  }
}
