const LANGUAGES = ["en", "de"];
/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { timeStyle: "short" };
/** @type {Intl.DateTimeFormatOptions} */
const CALENDAR = { dateStyle: "medium", timeStyle: "short" };

/** The language of ours that this page speaks, else the one that its reader likes best. */
export function language() {
  const wishes = [document.documentElement.lang, ...navigator.languages].map((each) => each.slice(0, 2).toLowerCase());
  return wishes.find((each) => LANGUAGES.includes(each)) ?? LANGUAGES[0];
}

/**
 * The texts that are the browser's own, fetched once at the start, so that they are there when nobody answers.
 * @param {string} base
 * @param {string} language
 * @returns {Promise<Words>}
 */
export async function loadWords(base, language) {
  const response = await fetch(`${base}/web/messages.${language}.json`);
  return new Words(language, await response.json());
}

/** More of them, for a page of our own. @param {Words} words @param {string} base */
export async function loadPageWords(words, base) {
  const response = await fetch(`${base}/web/pages.${words.language}.json`);
  Object.assign(words.texts, await response.json());
}

export class Words {
  /** @param {string} language @param {Record<string, string>} texts */
  constructor(language, texts) {
    this.language = language;
    this.texts = texts;
    // The reader's own kind of English: 14:05 and not 2:05 PM where they write it so.
    this.locale = navigator.languages.find((each) => each.startsWith(language)) ?? language;
  }

  /** @param {string} id @param {Record<string, string | number>} [args] */
  say(id, args = {}) {
    return (this.texts[id] ?? id).replace(/\{(\w+)\}/g, (whole, name) => String(args[name] ?? whole));
  }

  /** A moment in the reader's zone; today's without its date. @param {string} moment @param {Date} now */
  time(moment, now) {
    const then = new Date(moment);
    const today = then.toDateString() === now.toDateString();
    return new Intl.DateTimeFormat(this.locale, today ? CLOCK : CALENDAR).format(then);
  }

  /** @param {number} value */
  number(value) {
    return new Intl.NumberFormat(this.locale).format(value);
  }

  /** @param {number} bytes */
  size(bytes) {
    const steps = /** @type {const} */ (["byte", "kilobyte", "megabyte", "gigabyte"]);
    const step = Math.min(steps.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
    return new Intl.NumberFormat(this.locale, {
      style: "unit",
      unit: steps[step],
      maximumFractionDigits: step ? 1 : 0,
    }).format(bytes / 1000 ** step);
  }
}
