import { Refused } from "../errors.js";
import { html, show } from "../html.js";

/** @typedef {import("../types.js").JobView} JobView */
/** @typedef {{view: JobView, text: string, act: (() => Promise<unknown>) | null}} Step */

/** Cancel or retry many, after a look at what will be touched. */
export class Bulk {
  /** @type {JobView[]} */
  #picked = [];
  /** @type {Step[] | null} */
  #steps = null;

  /** @param {HTMLElement} root @param {import("../client.js").Client} client @param {import("../words.js").Words} words
   *  @param {() => void} done */
  constructor(root, client, words, done) {
    this.root = root;
    this.client = client;
    this.words = words;
    this.done = done;
    root.addEventListener("click", ({ target }) => this.#click(/** @type {HTMLElement} */ (target).dataset.do));
  }

  /** @param {JobView[]} views */
  pick(views) {
    this.#picked = views;
    this.#steps = null;
    this.#draw();
  }

  /** @param {string | undefined} what */
  async #click(what) {
    if (what === "cancel") this.#steps = this.#picked.map((view) => this.#canceling(view));
    if (what === "retry") this.#steps = await Promise.all(this.#picked.map((view) => this.#retrying(view)));
    if (what === "leave") this.#steps = null;
    if (what === "go") await this.#go();
    this.#draw();
  }

  /** @param {JobView} view @returns {Step} */
  #canceling(view) {
    const action = view.actions.find((each) => each.name === "cancel");
    return { view, text: action?.label ?? this.words.say("console-cannot"), act: action ? () => this.client.cancel(view.id) : null };
  }

  /** @param {JobView} view @returns {Promise<Step>} */
  async #retrying(view) {
    const action = view.actions.find((each) => each.name === "retry_failed") ?? view.actions.find((each) => each.name === "retry");
    const scope = action?.name === "retry_failed" ? "failed_items" : "all";
    const plan = action && (await this.client.plan(view.id, scope).catch(() => null));
    if (!plan) return { view, text: this.words.say("console-cannot"), act: null };
    const text = [plan.text, plan.confirm_text].filter(Boolean).join(" ");
    return { view, text, act: () => this.client.retry(view.id, { scope, confirm: true, plan: plan.plan }) };
  }

  async #go() {
    for (const step of this.#steps ?? [])
      await step.act?.().catch((error) => {
        if (!(error instanceof Refused)) throw error; // it ended meanwhile: the list shows how
      });
    this.#steps = null;
    this.done();
  }

  #draw() {
    const { words } = this;
    if (!this.#picked.length) return show(this.root, html``);
    const count = words.number(this.#picked.length);
    show(
      this.root,
      html`<span role="status">${words.say("console-picked", { count })}</span>
        <button type="button" data-do="cancel">${words.say("console-cancel")}</button>
        <button type="button" data-do="retry">${words.say("console-retry")}</button>
        ${this.#steps ? this.#preview(this.#steps) : ""}`,
    );
  }

  /** @param {Step[]} steps */
  #preview(steps) {
    const { words } = this;
    return html`<div class="plan" role="group" aria-label="${words.say("console-preview")}">
      <b>${words.say("console-preview")}</b>
      <ul>${steps.map(({ view, text }) => html`<li>${view.ref} · ${view.title}: ${text}</li>`)}</ul>
      <div class="bulk">
        <button type="button" data-do="go">${words.say("console-go")}</button>
        <button type="button" data-do="leave">${words.say("console-leave")}</button>
      </div>
    </div>`;
  }
}
