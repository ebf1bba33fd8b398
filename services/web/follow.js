import { Refused } from "./errors.js";
import { pauses, rest } from "./pauses.js";
import { events } from "./sse.js";

/**
 * @typedef {import("./types.js").JobView} JobView
 * @typedef {{job: string} | {owner: string}} Topic one job, or all of an owner's
 * @typedef {{status: (view: JobView) => void, wait: (moment: any) => void, reached: (here: boolean) => void}} Reader
 */

const SILENT_MS = 40_000; // a comment comes every 15 s, so this connection is dead
const FIRST_BYTE_MS = 6_000; // the snapshot comes at once, unless something between holds the stream back
const POLL_S = 25;
const LIST_MS = 3_000;
const MISSES_MAX = 2; // streams in a row through which nothing came
const ANOTHER_TRY = 30; // polls until a stream is tried again

/** @typedef {{mark: string | null, version: number}} Place how far a reader is */

/**
 * Read a topic until `signal`: as a stream that resumes, or by polls where streams do not get through.
 * @param {import("./client.js").Client} client
 * @param {Topic} topic
 * @param {AbortSignal} signal
 * @param {Reader} reader
 */
export async function follow(client, topic, signal, reader) {
  /** @type {Place} */
  const place = { mark: null, version: 0 };
  let misses = 0;
  let waits = pauses();
  while (!signal.aborted) {
    try {
      const tries = misses < MISSES_MAX || misses % ANOTHER_TRY === 0;
      if (!tries || !(await stream(client, topic, signal, reader, place))) {
        misses++;
        await poll(client, topic, signal, reader, place);
        continue;
      }
      misses = 0;
      waits = pauses();
    } catch (error) {
      if (error instanceof Refused) throw error;
      misses = 0; // nobody answers at all, so it is not the stream that is held back
      if (!signal.aborted) reader.reached(false);
    }
    if (!signal.aborted) await rest(waits.next().value ?? 0, signal);
  }
}

/** @param {Topic} topic */
const streamPath = (topic) =>
  "job" in topic ? `/v1/jobs/${topic.job}/stream` : `/v1/stream?owner=${encodeURIComponent(topic.owner)}`;

/**
 * One connection to its end, however it ends; whether anything came through it.
 * @param {import("./client.js").Client} client
 * @param {Topic} topic
 * @param {AbortSignal} signal
 * @param {Reader} reader
 * @param {Place} place
 */
async function stream(client, topic, signal, reader, place) {
  const ending = new AbortController();
  const end = () => ending.abort();
  let came = false;
  let timer = setTimeout(end, FIRST_BYTE_MS);
  const alive = () => {
    came = true;
    clearTimeout(timer);
    timer = setTimeout(end, SILENT_MS);
    if (client.cut) end();
  };
  signal.addEventListener("abort", end);
  addEventListener("offline", end);
  addEventListener("tidings-cut", end);
  try {
    const headers = { Accept: "text/event-stream", ...(place.mark ? { "Last-Event-ID": place.mark } : {}) };
    const response = await client.call("GET", streamPath(topic), { signal: ending.signal, headers });
    clearTimeout(timer);
    timer = setTimeout(end, FIRST_BYTE_MS);
    reader.reached(true);
    for await (const each of events(/** @type {ReadableStream<Uint8Array>} */ (response.body), alive)) {
      place.mark = each.id ?? place.mark;
      const said = JSON.parse(each.data);
      place.version = said.version ?? 0;
      if (each.event === "status") reader.status(said);
      else if (each.event === "wait") reader.wait(said);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    removeEventListener("offline", end);
    removeEventListener("tidings-cut", end);
    ending.abort();
  }
  return came;
}

/**
 * One long poll of a job, or one look at an owner's list.
 * @param {import("./client.js").Client} client
 * @param {Topic} topic
 * @param {AbortSignal} signal
 * @param {Reader} reader
 * @param {Place} place
 */
async function poll(client, topic, signal, reader, place) {
  if ("job" in topic) {
    const path = `/v1/jobs/${topic.job}?after=${place.version}&wait=${POLL_S}`;
    const response = await client.call("GET", path, { signal });
    reader.reached(true);
    if (response.status === 304) return;
    const view = await response.json();
    place.version = view.version;
    return reader.status(view);
  }
  const { jobs } = await client.list({ owner: topic.owner, limit: "200" });
  reader.reached(true);
  for (const view of jobs.reverse()) reader.status(view);
  await rest(LIST_MS, signal);
}

const ENDED = ["finished", "canceled"];

/**
 * A job's states for a plain loop, without elements.
 * @param {import("./client.js").Client} client
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<JobView>}
 */
export async function* views(client, id, signal) {
  const ending = new AbortController();
  signal?.addEventListener("abort", () => ending.abort());
  /** @type {JobView[]} */
  const come = [];
  /** @type {unknown} */
  let failure = null;
  let stir = () => {};
  let version = 0;
  const status = (/** @type {JobView} */ view) => {
    if (view.version <= version) return;
    version = view.version;
    come.push(view);
    stir();
  };
  const following = follow(client, { job: id }, ending.signal, { status, wait: () => {}, reached: () => {} })
    .catch((error) => (failure = error))
    .finally(() => stir());
  try {
    while (!ending.signal.aborted && !failure) {
      const view = come.shift();
      if (!view) await new Promise((resolve) => (stir = () => resolve(undefined), come.length || failure ? stir() : 0));
      else {
        yield view;
        if (ENDED.includes(view.state)) return;
      }
    }
    if (failure) throw failure;
  } finally {
    ending.abort();
    await following;
  }
}
