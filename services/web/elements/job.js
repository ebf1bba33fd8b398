import { Away, Refused } from "../errors.js";
import { html, show } from "../html.js";
import { again, plan, refusal, retry, Unreadable } from "./doing.js";
import { TidingsElement } from "./element.js";
import { render } from "./job_view.js";
import { jobSheets } from "./style.js";

const ITEMS_SHOWN = 5;

/**
 * One job's row. Attributes: `id` the job · `at` a past moment, which it then shows for good. Without an id it keeps the
 * place of a job that is being started.
 * Themed by custom properties: --tidings-accent, -surface, -text, -muted, -line, -good, -warn, -bad, -radius, -font.
 */
export class TidingsJob extends TidingsElement {
  static observedAttributes = ["id", "at"];
  /** @type {import("../types.js").JobView | undefined} */
  #view;
  /** @type {import("./job_view.js").Local} */
  #local = { items: [], asked: null, note: "", busy: null, reached: true, frozen: false };
  /** @type {unknown} the fixed rows that a plan was made for */
  #input;
  #said = "";
  #itemsOf = "";

  constructor() {
    super(jobSheets);
    this.root.innerHTML = '<div id="here"></div><p class="sr" id="live" role="status" aria-live="polite"></p>';
    this.root.addEventListener("click", (event) => this.#click(/** @type {Element} */ (event.target)));
    this.root.addEventListener("submit", (event) => (event.preventDefault(), this.#goAhead()));
  }

  /** A note on the row. @param {string} text */
  tell(text) {
    this.#local.note = text;
    this.#draw();
  }

  /** @override @param {import("../session.js").Session} here @param {AbortSignal} signal */
  async begin(here, signal) {
    const at = this.getAttribute("at");
    this.#local.frozen = at !== null;
    this.tabIndex = -1; // so that View status can bring the reader here
    if (this.#view?.id !== this.id || at === null) this.#view = here.board.get(this.id);
    this.#draw();
    if (!this.id) return;
    try {
      if (at === null) await this.#follow(here, signal);
      else {
        const then = await here.client.get(this.id, { at });
        if (!signal.aborted) (this.#view = then), this.#draw();
      }
    } catch (error) {
      if (!signal.aborted && error instanceof Refused) this.tell(here.words.say("screen-not-found"));
    }
  }

  /** Whatever comes is drawn as it comes; what stands there already is not drawn again.
   *  @param {import("../session.js").Session} here @param {AbortSignal} signal */
  async #follow(here, signal) {
    this.listen("view", (view) => this.#see(view), signal);
    this.listen("reached", () => this.#draw(), signal);
    if (this.#view) this.#seeItems(this.#view);
    const release = await here.watchJob(this.id);
    signal.aborted ? release() : signal.addEventListener("abort", release);
  }

  /** @param {import("../types.js").JobView | undefined} view */
  #see(view) {
    if (!view || view.id !== this.id) return;
    const isNew = this.#view && (view.state !== this.#view.state || view.run !== this.#view.run);
    if (isNew) Object.assign(this.#local, { asked: null, note: "" });
    this.#view = view;
    this.#draw();
    this.#seeItems(view);
  }

  /** @param {import("../types.js").JobView} view */
  async #seeItems({ id, run, items }) {
    const state = `${id} ${run} ${items?.failed ?? 0}`;
    if (state === this.#itemsOf) return;
    this.#itemsOf = state;
    const found = items?.failed ? await this.here?.client.problems(id, ITEMS_SHOWN).catch(() => null) : null;
    if (state !== this.#itemsOf) return;
    const before = this.#local.items.length;
    this.#local.items = found?.items ?? [];
    if (before || this.#local.items.length) this.#draw();
  }

  #draw() {
    if (!this.here) return;
    const { words, board } = this.here;
    const text = this.#local.note || words.say(this.id ? "screen-loading" : "screen-place");
    if (!this.#view) return show(this.at("here"), html`<p class="card hold note">${text}</p>`);
    this.#local.reached = board.reached;
    show(this.at("here"), render(this.#view, new Date(), words, this.#local));
    this.#announce(this.#view);
  }

  /** Politely, and only what matters: a new state, stage or problem, never each counted row.
   *  @param {import("../types.js").JobView} view */
  #announce({ state, stage, label, sentence, problem, liveness }) {
    const what = [state, stage, liveness, problem?.text, this.#local.note].join();
    if (what === this.#said) return;
    this.#said = what;
    this.at("live").textContent = [`${label}.`, sentence, problem?.next, this.#local.note].filter(Boolean).join(" ");
  }

  /** @param {Element} target */
  async #click(target) {
    const name = /** @type {HTMLElement | null} */ (target.closest("[data-do]"))?.dataset.do;
    const [view, here] = [this.#view, this.here];
    if (!name || !view || !here) return;
    if (name === "copy") navigator.clipboard?.writeText(view.ref).catch(() => {});
    if (name === "copy") return this.tell(`${here.words.say("screen-copied")}: ${view.ref}`);
    if (name === "not-now") return (this.#local.asked = null), this.#draw();
    const action = view.actions.find((each) => each.name === name);
    if (action && !this.#local.busy) await this.#try(name, async () => {
      if (name === "cancel") return here.put(await here.client.cancel(view.id));
      [this.#input, this.#local.asked] = [undefined, await plan(here, view, action)];
      if (!this.#local.asked) await this.#do({ action, plan: null }, null);
    });
    this.root.getElementById("plan")?.focus();
  }

  #goAhead() {
    const asked = this.#local.asked;
    const chosen = /** @type {HTMLInputElement | null} */ (this.root.querySelector("input[name=fixed]"))?.files?.[0];
    if (asked && !this.#local.busy) this.#try(asked.action.name, () => this.#do(asked, chosen ?? null));
  }

  /** @param {{action: import("../types.js").Action, plan: string | null}} asked @param {File | null} file */
  async #do(asked, file) {
    if (!this.#view || !this.here) return;
    if (asked.action.name === "again") {
      const fresh = await again(this.here, this.#view);
      this.#local.asked = null;
      return this.here.board.replace(this.#view.id, fresh);
    }
    const met = await retry(this.here, this.#view, asked, file, this.#input);
    this.#local.asked = "asked" in met ? met.asked : null;
    if ("asked" in met) this.#input = met.asked.input;
    else await this.here.put(met.view);
  }

  /** @param {string} name @param {() => Promise<unknown>} what */
  async #try(name, what) {
    Object.assign(this.#local, { busy: name, note: "" });
    this.#draw();
    try {
      await what();
    } catch (error) {
      if (error instanceof Refused) this.#local.note = refusal(error.problem, /** @type {any} */ (this.here).words);
      else if (error instanceof Unreadable) this.#local.note = this.here?.words.say("screen-again-private") ?? "";
      else if (error instanceof Away) this.#local.note = this.here?.words.say("screen-away") ?? "";
      else throw error;
    } finally {
      this.#local.busy = null;
      this.#draw();
    }
  }
}
