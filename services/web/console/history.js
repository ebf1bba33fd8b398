import { html, show } from "../html.js";

/** @typedef {{type: string, version: number, recorded_at: string, actor: {kind: string, id: string}, data: any}} Sealed */

/** All that happened to one job, and a slider that shows the screen as it was at any of these moments. */
export class History {
  /** @type {Sealed[]} */
  #events = [];
  #at = 0;
  #job = "";

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
    this.#job = view.id;
    const found = await this.client.events(view.id).catch(() => null);
    if (!found || this.#job !== view.id) return;
    this.#events = found.events;
    this.#go(this.#events.length - 1);
  }

  /** What has happened meanwhile; whoever looks at a past moment is left there. */
  async refresh() {
    const [job, known] = [this.#job, this.#events.length];
    const found = job && (await this.client.events(job).catch(() => null));
    if (!found || this.#job !== job || found.events.length === known) return;
    this.#events = found.events;
    if (this.#at === known - 1) this.#go(found.events.length - 1);
    else this.#draw();
  }

  /** @param {number} step */
  #go(step) {
    this.#at = step;
    this.#draw();
    this.root.querySelector(`[data-step="${step}"]`)?.scrollIntoView({ block: "nearest" });
  }

  #draw() {
    const { words } = this;
    const [events, at] = [this.#events, this.#at];
    const moment = events[at].recorded_at;
    const seconds = new Intl.DateTimeFormat(words.locale, { timeStyle: "medium" });
    const last = at === events.length - 1;
    show(
      this.root,
      html`<p class="soft">${words.say("console-at")}: <time datetime="${moment}">${seconds.format(new Date(moment))}</time></p>
        <div class="slider">
          <input type="range" min="0" max="${events.length - 1}" value="${at}" aria-label="${words.say("console-at")}" aria-valuetext="${seconds.format(new Date(moment))}" />
        </div>
        ${last ? html`<tidings-job data-key="now" id="${this.#job}"></tidings-job>` : html`<tidings-job data-key="then" id="${this.#job}" at="${moment}"></tidings-job>`}
        <ol class="events" aria-label="${words.say("console-history")}">
          ${events.map((event, n) => html`<li data-key="${event.version}"><button type="button" data-step="${n}" aria-current="${n === at ? "true" : "false"}"><time datetime="${event.recorded_at}">${seconds.format(new Date(event.recorded_at))}</time><span>${words.say(`event-${event.type}`)}<small>${detail(event)}</small></span></button></li>`)}
        </ol>`,
    );
    /** @type {HTMLInputElement} */ (this.root.querySelector("input[type=range]")).value = String(at);
  }
}

/** Who, and the one fact that matters. @param {Sealed} event */
function detail({ actor, data }) {
  const counted = data.done === undefined ? null : [data.done, data.total].filter((each) => each !== null && each !== undefined).join(" / ");
  const fact = data.name ?? data.reason ?? data.text ?? counted ?? (data.clicks === undefined ? null : `× ${data.clicks}`);
  return [actor.kind === "user" ? `user: ${actor.id}` : (data.worker ?? actor.kind), typeof fact === "object" ? null : fact].filter(Boolean).join(" · ");
}
