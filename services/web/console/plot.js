import { html } from "../html.js";
import { duration } from "./durations.js";

/** @typedef {import("./estimates.js").Seen} Seen */

const [WIDTH, HEIGHT, LEFT, EDGE] = [360, 190, 58, 12];
const TICKS = [1, 3, 10, 30, 60, 180, 600, 1_800, 3_600, 10_800, 43_200, 86_400, 259_200, 604_800];
const SPAN = 1.3; // of the scale at least, in powers of ten: small differences stay small
const LEAST_S = 0.5;

/**
 * What was said (a bar) and what came (a dot) of each job, the oldest first, on a scale where each step is many times
 * the one before. Pure.
 * @param {Seen[]} all @param {string} told the same in words @param {import("../words.js").Words} words
 */
export function renderPlot(all, told, words) {
  const values = all.flatMap(([low, high, came]) => [low ?? high, high, came]).map(log);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const around = Math.max(0.15, (SPAN - (high - low)) / 2);
  const [least, most] = [low - around, high + around];
  const y = (/** @type {number} */ seconds) => round(HEIGHT - EDGE - ((log(seconds) - least) / (most - least)) * (HEIGHT - 2 * EDGE));
  const x = (/** @type {number} */ n) => round(LEFT + 14 + (n / Math.max(1, all.length - 1)) * (WIDTH - LEFT - 14 - EDGE));
  const ticks = TICKS.filter((seconds) => log(seconds) >= least && log(seconds) <= most);
  const rows = all.map((seen, n) => job(seen, x(n), y));
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${told}">
    ${ticks.map((seconds) => html`<path class="tick" d="M${LEFT} ${y(seconds)}H${WIDTH - EDGE}"></path><text x="${LEFT - 8}" y="${y(seconds) + 4}" text-anchor="end">${duration(seconds, words, "short")}</text>`)}
    ${rows}
  </svg>`;
}

/** A bound's bar begins at the floor. A miss is hollow, so that it is told without its colour.
 *  @param {Seen} seen @param {number} x @param {(seconds: number) => number} y */
function job(seen, x, y) {
  const [low, high, came] = seen;
  const floor = low === null ? HEIGHT - EDGE : y(low);
  return html`<path class="said ${low === null ? "bound" : ""}" d="M${x} ${floor}V${Math.min(y(high), floor - 2)}"></path>
    <circle class="${isHeld(seen) ? "held" : "missed"}" cx="${x}" cy="${y(came)}" r="3"></circle>`;
}

/** @param {Seen} seen */
export const isHeld = ([low, high, came]) => (low ?? 0) <= came && came <= high;

/** @param {number} seconds */
const log = (seconds) => Math.log10(Math.max(LEAST_S, seconds));

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;
