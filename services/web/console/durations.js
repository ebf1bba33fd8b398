/** @type {[number, string][]} */
const STEPS = [[86_400, "day"], [3_600, "hour"], [60, "minute"], [1, "second"]];

/** A length of time in its largest whole unit: 90 is "2 minutes", short "2 min".
 *  @param {number} seconds @param {import("../words.js").Words} words @param {"long" | "short"} [unitDisplay] */
export function duration(seconds, words, unitDisplay = "long") {
  const [length, unit] = STEPS.find(([length]) => seconds >= length) ?? [1, "second"];
  const style = /** @type {const} */ ({ style: "unit", unit, unitDisplay, maximumFractionDigits: 0 });
  return new Intl.NumberFormat(words.locale, style).format(seconds / length);
}
