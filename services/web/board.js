/** @typedef {import("./types.js").JobView} JobView */

/** The newest state of each job that this page knows. What is older than that is dropped: a screen never goes back. */
export class Board extends EventTarget {
  /** @type {Map<string, JobView>} */
  #views = new Map();
  reached = true;

  /** @param {string} id */
  get(id) {
    return this.#views.get(id);
  }

  /** @param {string} [owner] */
  all(owner) {
    return [...this.#views.values()].filter((view) => owner === undefined || view.owner === owner);
  }

  /** @param {JobView} view @returns {boolean} whether it was news */
  put(view) {
    const known = this.#views.get(view.id);
    if (known && !isNewer(view, known)) return false;
    this.#views.set(view.id, view);
    this.dispatchEvent(new CustomEvent("view", { detail: view }));
    return true;
  }

  /** Only the moment changed. @param {{id: string, version: number, wait: any, waiting: any}} moment */
  wait({ id, version, wait, waiting }) {
    const known = this.#views.get(id);
    if (known?.version === version) this.put({ ...known, wait, waiting });
  }

  /** A fresh run took a job's place. @param {string} old @param {JobView} view */
  replace(old, view) {
    this.put(view);
    this.dispatchEvent(new CustomEvent("replaced", { detail: { old, view } }));
  }

  /** @param {boolean} here whether the service can be reached */
  reach(here) {
    if (here === this.reached) return;
    this.reached = here;
    this.dispatchEvent(new CustomEvent("reached"));
  }
}

/** @param {JobView} view @param {JobView} known */
export function isNewer(view, known) {
  return view.version === known.version ? view.wait.as_of > known.wait.as_of : view.version > known.version;
}
