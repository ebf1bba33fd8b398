/** Nobody answered, or nothing could be saved right now. The same call again, with the same key, does no harm. */
export class Away extends Error {
  /** @param {number} [after_ms] when to come again, where the service said so */
  constructor(after_ms) {
    super("away");
    this.after_ms = after_ms;
  }
}

/** The service said no, in words that a person can read. */
export class Refused extends Error {
  /** @param {import("./types.js").ProblemBody} problem */
  constructor(problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
  }
}

const COME_AGAIN = [429, 500, 502, 503, 504];

/** @param {number} status @param {import("./types.js").ProblemBody | null} problem */
export function fromProblem(status, problem) {
  if (COME_AGAIN.includes(status)) return new Away();
  return new Refused(problem ?? { title: `${status}`, status, detail: "", next: "" });
}
