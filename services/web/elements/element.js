import { session } from "../session.js";

/** What all elements share: their shadow, the page's session, and an end to whatever they began. */
export class TidingsElement extends HTMLElement {
  /** @type {import("../session.js").Session | null} */
  here = null;
  #ending = new AbortController();

  /** @param {CSSStyleSheet[]} sheets @param {boolean} [delegatesFocus] */
  constructor(sheets, delegatesFocus = false) {
    super();
    this.attachShadow({ mode: "open", delegatesFocus }).adoptedStyleSheets = sheets;
  }

  get root() {
    return /** @type {ShadowRoot} */ (this.shadowRoot);
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#ending.abort();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#restart();
  }

  async #restart() {
    this.#ending.abort();
    const { signal } = (this.#ending = new AbortController());
    this.reset();
    this.here = await session();
    if (!signal.aborted) await this.begin(this.here, signal);
  }

  reset() {}

  /** @param {import("../session.js").Session} _here @param {AbortSignal} _signal */
  async begin(_here, _signal) {}

  /** @param {string} kind @param {(detail: any) => void} hear @param {AbortSignal} signal */
  listen(kind, hear, signal) {
    this.here?.board.addEventListener(kind, (event) => hear(/** @type {CustomEvent} */ (event).detail), { signal });
  }

  /** @param {string} id */
  at(id) {
    return /** @type {HTMLElement} */ (this.root.getElementById(id));
  }
}
