import { Away, Refused } from "../errors.js";
import { show } from "../html.js";
import { render } from "./button_view.js";
import { refusal } from "./doing.js";
import { TidingsElement } from "./element.js";
import { Clicks, sentWith, start, upload } from "./start.js";
import { buttonSheets } from "./style.js";

const OPEN = ["queued", "running"];

/**
 * The button people trust. Attributes: `type` of the job · `input`, `settings` as JSON · `size` · `label` · `job-title`
 * · `owner`, where the page's pass does not say it · `upload` with a file's `accept`: a file comes first, and becomes
 * `{"upload": id}` in the input; slot `file`: other ways to a file, beside it · `status-href`: where View status leads, else to the job's row on this page
 * · `rowless`: the row is shown elsewhere. Events: `tidings-job` with the JobView, for each one that it opens.
 */
export class TidingsButton extends TidingsElement {
  static observedAttributes = ["type", "input", "settings", "label", "owner"];
  /** @type {import("../types.js").JobView | null} */
  #job = null;
  /** @type {File | null} */
  #file = null;
  #busy = false;
  #note = "";
  /** What a repeated click met is true for a moment; that it was started stays true until the job stops. */
  #passing = false;
  /** @type {{done: number, total: number} | null} */
  #sent = null;
  /** @type {HTMLElement | null} */
  #row = null;

  constructor() {
    super(buttonSheets, true);
    this.root.innerHTML = '<div id="here"></div><p class="note" id="live" role="status" aria-live="polite"></p>';
    this.root.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      if (button && this.root.contains(button)) this.#click(); // those in the slot are the page's own
    });
    this.root.addEventListener("change", (event) => this.choose(/** @type {HTMLInputElement} */ (event.target).files?.[0]));
  }

  /** The file that comes first. @param {File | undefined} file */
  choose(file) {
    if (!file || this.#busy) return;
    this.reset();
    this.#file = file;
    this.#say("");
  }

  /** @override */
  reset() {
    if (this.#busy) return;
    this.#job = this.#file = null;
    this.#clear();
  }

  #clear() {
    this.#row?.remove();
    this.#row = null;
  }

  /** @override @param {import("../session.js").Session} here @param {AbortSignal} signal */
  async begin(here, signal) {
    this.#say("");
    this.listen("view", (view) => view.id === this.#job?.id && this.#see(view), signal);
    this.listen("replaced", ({ old, view }) => old === this.#job?.id && this.#open(view), signal);
    const wish = this.hasAttribute("upload") ? sentWith(this.#wish()).get() : this.#wish();
    if (!wish?.type) return;
    if (new Clicks(wish).pending) return this.#send(here, async () => wish);
    const found = await here.client.findSurely(wish, signal).catch(() => null); // refused: a click will say why
    if (!found || signal.aborted || this.#job || this.#busy || this.#file) return;
    await here.put(found);
    this.#open(found);
  }

  /** @param {string} [uploaded] @returns {import("../types.js").Wish} */
  #wish(uploaded) {
    const json = (/** @type {string} */ name) => JSON.parse(this.getAttribute(name) ?? "null");
    const input = uploaded ? { ...json("input"), upload: uploaded } : json("input");
    const named = { owner: this.getAttribute("owner") ?? undefined, title: this.getAttribute("job-title") ?? undefined };
    const size = this.hasAttribute("size") ? { size: Number(this.getAttribute("size")) } : {};
    return { type: this.getAttribute("type") ?? "", ...named, input, settings: json("settings"), ...size };
  }

  async #click() {
    const here = this.here;
    if (!here || this.#busy) return;
    if (this.#job?.button.action === "view") return this.#show(this.#job);
    if (this.hasAttribute("upload") && !this.#file) return this.#say(here.words.say("screen-file-first"));
    await this.#send(here, async () => {
      if (!this.#file) return this.#wish();
      const uploading = (/** @type {number} */ done, /** @type {number} */ total) => ((this.#sent = { done, total }), this.#draw());
      const wish = this.#wish((await upload(here, this.#file, { uploading })).id);
      sentWith(this.#wish()).put(wish);
      this.#sent = null;
      this.#draw();
      return wish;
    });
  }

  /** @param {import("../session.js").Session} here @param {() => Promise<import("../types.js").Wish>} prepare */
  async #send(here, prepare) {
    this.#busy = true;
    this.#say("");
    if (!this.#row) this.#place(""); // with the click itself, so that nothing below moves later, under the next one
    try {
      this.#open(await start(here, await prepare(), { away: () => this.#say(here.words.say("screen-away-click")) }));
    } catch (error) {
      if (error instanceof Away) this.#say(here.words.say(this.#file ? "screen-upload-cut" : "screen-away"));
      else if (error instanceof Refused) this.#say(refusal(error.problem, here.words));
      else throw error;
    } finally {
      this.#busy = false;
      if (!this.#row?.id) this.#clear(); // nothing was started
      this.#sent = null;
      this.#draw();
    }
  }

  /** @param {import("../types.js").JobView} view */
  #open(view) {
    this.#job = view;
    this.#passing = Boolean(view.repeat);
    this.#say(view.repeat?.text ?? this.here?.words.say("screen-started", { title: view.title, ref: view.ref }) ?? "");
    this.#place(view.id);
    this.dispatchEvent(new CustomEvent("tidings-job", { detail: view, bubbles: true, composed: true }));
  }

  /** The row stands right after the button, unless the page has one already. @param {string} id none: its place alone */
  #place(id) {
    if (this.hasAttribute("rowless") || (this.#row && this.#row.id === id)) return;
    if (id && document.getElementById(id)) return this.#clear();
    this.#row ??= document.createElement("tidings-job");
    this.#row.id = id;
    if (!this.#row.isConnected) this.after(this.#row);
  }

  /** @param {import("../types.js").JobView} view */
  #see(view) {
    const stops = !OPEN.includes(view.state);
    if (view.state !== this.#job?.state && (this.#passing || stops)) this.#note = "";
    this.#job = view;
    this.#draw();
  }

  /** @param {import("../types.js").JobView} view */
  #show(view) {
    const href = this.getAttribute("status-href");
    if (href) return location.assign(href.replace("{id}", view.id));
    const row = document.getElementById(view.id);
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
    const panels = /** @type {Iterable<any>} */ (document.querySelectorAll("tidings-jobs"));
    if (!row) for (const panel of panels) if (panel.reveal?.(view.id)) return;
  }

  /** @param {string} note */
  #say(note) {
    this.#note = note;
    this.#draw();
  }

  #draw() {
    if (!this.here) return;
    const label = this.getAttribute("label") ?? this.here.words.say("screen-start");
    const accept = this.hasAttribute("upload") ? (this.getAttribute("accept") ?? "") : null;
    const now = { job: this.#job, label, accept, file: this.#file, sent: this.#sent, busy: this.#busy };
    show(this.at("here"), render(now, this.here.words));
    if (this.at("live").textContent !== this.#note) this.at("live").textContent = this.#note;
  }
}
