/**
 * The shapes that the service answers with, as its contract has them. A reader ignores fields that it does not know.
 *
 * @typedef {{low_s: number | null, high_s: number | null, text: string}} Range
 * @typedef {{queue: Range | null, work: Range | null, total: Range | null, reliable: boolean, text: string,
 *   as_of: string}} Wait
 * @typedef {{reason: string, text: string, ahead: number | null, since: string | null}} Waiting
 * @typedef {{name: string, label: string, state: "done" | "now" | "ahead"}} Stage
 * @typedef {{text: string, row: number | null, column: string | null, reason: string | null, count: number | null,
 *   still_running: boolean, next: string}} JobProblem
 * @typedef {{name: string, label: string, method: string, href: string, warning: string | null,
 *   needs_confirmation: boolean}} Action
 * @typedef {{of: string, first_at: string, age_s: number, same: string[], text: string}} Repeat
 *
 * @typedef {object} JobView
 * @property {string} id
 * @property {string} ref the job ID that people see
 * @property {string} type
 * @property {string} title
 * @property {string} owner
 * @property {"queued" | "running" | "needs_fix" | "finished" | "canceled"} state
 * @property {string} label
 * @property {string} sentence
 * @property {{label: string, action: "start" | "view"}} button
 * @property {string | null} stage
 * @property {Stage[]} stages
 * @property {{done: number, total: number | null, unit: string} | null} progress
 * @property {"working" | "quiet" | "stuck" | null} liveness
 * @property {Wait} wait
 * @property {Waiting | null} waiting
 * @property {{safe: boolean, text: string}} leave
 * @property {{place: string, ready: boolean, href: string | null, name: string | null, size: number | null}} result
 * @property {JobProblem | null} problem
 * @property {{ready: number, failed: number, open: number, total: number} | null} items
 * @property {Action[]} actions
 * @property {number} clicks
 * @property {number} run
 * @property {number} attempt
 * @property {number} version
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string} updated_at
 * @property {string | null} finished_at
 * @property {boolean} [reopened] only in a submit's and find's answer
 * @property {Repeat | null} [repeat]
 *
 * @typedef {{scope: string, runs: {count: number, ids: string[]}, keeps: number, safety: string, mode: string,
 *   text: string, confirm_text: string | null, plan: string}} Plan
 * @typedef {{id: string, row: number | null, column: string | null, reason: string | null, value: unknown}} Item
 * @typedef {{title: string, status: number, detail: string, next: string, type?: string, plan?: Plan,
 *   errors?: {pointer: string, detail: string}[]}} ProblemBody
 * @typedef {{type: string, owner?: string, input?: unknown, settings?: unknown, size?: number, title?: string,
 *   again?: boolean}} Wish what a click asks for
 * @typedef {{token: string, owner?: string, expires_at?: string}} Pass
 */
export {};
