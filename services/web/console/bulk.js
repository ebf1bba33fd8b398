import { Refused } from "../errors.js";
import { html, show } from "../html.js";

/** @typedef {import("../types.js").JobView} JobView */
/** @typedef {{view: JobView, text: string, act: (() => Promise<unknown>) | null}} Step */

const AT_ONCE = 6;
const SHOWN_MAX = 50; // steps that the preview spells out

/** Cancel or retry many, after a look at what will be touched. */
export class Bulk {
  /** @type {JobView[]} */
  #picked = [];
  /** @type {Step[] | null} */
  #steps = null;
  /** @type {string | null} what is under way, or how it ended */
  #news = null;
  #busy = false;

  /** @param {HTMLElement} root @param {import("../client.js").Client} client @param {import("../words.js").Words} words
   *  @param {{all: () => Promise<void>, done: () => void}} tell */
  constructor(root, client, words, tell) {
    this.root = root;
    this.client = client;
    this.words = words;
    this.tell = tell;
    root.addEventListener("click", ({ target }) => this.#click(/** @type {HTMLElement} */ (target).dataset.do));
    this.#draw();
  }

  /** @param {JobView[]} views */
  pick(views) {
    if (this.#busy) return;
    this.#picked = views;
    this.#steps = null;
    if (views.length) this.#news = null;
    this.#draw();
  }

  /** @param {string | undefined} what */
  async #click(what) {
    if (!what || this.#busy) return;
    if (what === "all") await this.tell.all();
    if (what === "cancel") this.#steps = this.#picked.map((view) => this.#canceling(view));
    if (what === "retry") this.#steps = await this.#each("console-looking", this.#picked, (view) => this.#retrying(view));
    if (what === "leave") this.#steps = null;
    if (what === "go") await this.#go(this.#steps?.filter((step) => step.act) ?? []);
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

  /** @param {Step[]} steps */
  async #go(steps) {
    const did = await this.#each("console-doing", steps, async (step) => {
      try {
        await step.act?.();
        return true;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return false; // it ended or changed meanwhile: the list shows how
      }
    });
    const [done, total] = [did.filter(Boolean).length, steps.length];
    this.#steps = null;
    const said = done === total ? "console-did" : "console-did-some";
    this.#news = this.words.say(said, { done: this.words.number(done), total: this.words.number(total) });
    this.tell.done();
  }

  /**
   * A few at once, telling how far it is.
   * @template T, R
   * @param {string} said @param {T[]} all @param {(each: T) => Promise<R>} act
   * @returns {Promise<R[]>} in their order
   */
  async #each(said, all, act) {
    this.#busy = true;
    /** @type {R[]} */
    const found = [];
    let [begun, done] = [0, 0];
    const one = async () => {
      while (begun < all.length) {
        const n = begun++;
        found[n] = await act(all[n]);
        this.#news = this.words.say(said, { done: this.words.number(++done), total: this.words.number(all.length) });
        this.#draw();
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, one));
      this.#news = null;
    } catch {
      this.#news = this.words.say("screen-away");
    } finally {
      this.#busy = false;
    }
    return found;
  }

  #draw() {
    const { words } = this;
    const count = this.#picked.length;
    show(
      this.root,
      html`<span role="status">${this.#news ?? (count ? words.say("console-picked", { count: words.number(count) }) : "")}</span>
        <button type="button" data-key="all" data-do="all">${words.say("console-pick-all")}</button>
        ${count ? html`<button type="button" data-key="cancel" data-do="cancel">${words.say("console-cancel")}</button><button type="button" data-key="retry" data-do="retry">${words.say("console-retry")}</button>` : ""}
        ${this.#steps && !this.#busy ? this.#preview(this.#steps) : ""}`,
    );
  }

  /** What can be done, first what will be. @param {Step[]} steps */
  #preview(steps) {
    const { words } = this;
    const can = steps.filter((step) => step.act);
    const ordered = [...can, ...steps.filter((step) => !step.act)];
    const counts = { done: words.number(can.length), total: words.number(steps.length) };
    const more = ordered.length - SHOWN_MAX;
    return html`<div class="plan" role="group" aria-label="${words.say("console-preview")}" data-key="plan">
      <b>${words.say("console-touches", counts)}</b>
      <ul tabindex="0" aria-label="${words.say("console-preview")}">
        ${ordered.slice(0, SHOWN_MAX).map(({ view, text }) => html`<li>${view.ref} · ${view.title}: ${text}</li>`)}
        ${more > 0 ? html`<li>${words.say("console-more", { count: words.number(more) })}</li>` : ""}
      </ul>
      <div class="bulk">
        ${can.length ? html`<button type="button" class="main" data-do="go">${words.say("console-go")}</button>` : ""}
        <button type="button" data-do="leave">${words.say("console-leave")}</button>
      </div>
    </div>`;
  }
}
