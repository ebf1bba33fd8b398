const FIRST_MS = 500;
const LONGEST_MS = 8000;

/** Ever longer pauses, each a little different, so that many pages do not come back at the same moment. */
export function* pauses() {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * 2, LONGEST_MS)) yield pause * (0.75 + Math.random() / 2);
}

/**
 * Wait; a network that comes back, or a page that is seen again, ends it early.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function rest(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
