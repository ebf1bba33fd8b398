import { html, show } from "../html.js";
import { detail } from "./history_words.js";

/** @typedef {import("./history_words.js").Sealed} Sealed */

const EVENTS_MAX = 5000; // of one job, oldest first; a job has tens

/** All that happened to one job, and a slider that shows the screen as it was at any of these moments. */
export class History {
  /** @type {Sealed[]} */
  #events = [];
  #at = 0;
  #job = "";
  /** Where the last page begins: what comes is in it. @type {{cursor: string, from: number}} */
  #page = { cursor: "", from: 0 };

  /** @param {HTMLElement} root @param {import("../client.js").Client} client @param {import("../words.js").Words} words */
  constructor(root, client, words) {
    this.root = root;
    this.client = client;
    this.words = words;
    show(root, html`<p class="soft">${words.say("console-history-hint")}</p>`);
    root.addEventListener("input", ({ target }) => this.#go(Number(/** @type {HTMLInputElement} */ (target).value)));
    root.addEventListener("click", ({ target }) => {
      const step = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("[data-step]"))?.dataset.step;
      if (step) this.#go(Number(step));
    });
  }

  /** @param {import("../types.js").JobView} view */
  async open(view) {
    [this.#job, this.#events, this.#page] = [view.id, [], { cursor: "", from: 0 }];
    if (await this.#read()) this.#go(this.#events.length - 1);
  }

  /** What has happened meanwhile; whoever looks at a past moment is left there. */
  async refresh() {
    const known = this.#events.length;
    if (!this.#job || !known || !(await this.#read()) || this.#events.length === known) return;
    if (this.#at === known - 1) this.#go(this.#events.length - 1);
    else this.#draw();
  }

  /** From the last page on; whether this is still the job that is looked at. */
  async #read() {
    const job = this.#job;
    for (;;) {
      const { cursor, from } = this.#page;
      const found = await this.client.events(job, `limit=1000${cursor && `&cursor=${cursor}`}`).catch(() => null);
      if (!found || this.#job !== job) return false;
      this.#events = [...this.#events.slice(0, from), ...found.events];
      if (!found.next || this.#events.length >= EVENTS_MAX) return this.#events.length > 0;
      this.#page = { cursor: found.next, from: this.#events.length };
    }
  }

  /** @param {number} step */
  #go(step) {
    this.#at = step;
    this.#draw();
    const list = this.root.querySelector(".events");
    const there = /** @type {HTMLElement | null} */ (list?.querySelector(`[data-step="${step}"]`)?.parentElement);
    if (list && there) list.scrollTop = there.offsetTop - list.clientHeight / 2; // the page itself stays where it is
  }

  #draw() {
    const { words } = this;
    const [events, at] = [this.#events, this.#at];
    const moment = events[at].recorded_at;
    const clock = new Intl.DateTimeFormat(words.locale, { timeStyle: "medium" });
    const days = new Intl.DateTimeFormat(words.locale, { dateStyle: "medium", timeStyle: "medium" });
    const then = days.format(new Date(moment));
    const last = at === events.length - 1;
    show(
      this.root,
      html`<p class="soft">${words.say("console-at")}: <time datetime="${moment}">${then}</time></p>
        <div class="slider">
          <input type="range" min="0" max="${events.length - 1}" value="${at}" aria-label="${words.say("console-at")}" aria-valuetext="${then}" />
        </div>
        ${last ? html`<tidings-job data-key="now" id="${this.#job}"></tidings-job>` : html`<tidings-job data-key="then" id="${this.#job}" at="${moment}"></tidings-job>`}
        <ol class="events" tabindex="0" aria-label="${words.say("console-history")}">
          ${events.map((event, n) => html`<li data-key="${event.version}"><button type="button" data-step="${n}" aria-current="${n === at ? "true" : "false"}"><time datetime="${event.recorded_at}">${clock.format(new Date(event.recorded_at))}</time><span>${words.say(`event-${event.type}`)}<small>${detail(event, events[0], words)}</small></span></button></li>`)}
        </ol>`,
    );
    /** @type {HTMLInputElement} */ (this.root.querySelector("input[type=range]")).value = String(at);
  }
}
