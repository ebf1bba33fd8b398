/** @typedef {{event: string, id: string | null, data: string}} ServerEvent */

/**
 * Server-sent events from a response's body. `alive` is called for whatever comes, comments included.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} alive
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* events(body, alive) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      const blocks = (text + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const found = parse(block);
        if (found) yield found;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} block @returns {ServerEvent | null} */
export function parse(block) {
  /** @type {Record<string, string[]>} */
  const fields = {};
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (name) (fields[name] ??= []).push(value);
  }
  if (!fields.data) return null;
  return { event: fields.event?.at(-1) ?? "message", id: fields.id?.at(-1) ?? null, data: fields.data.join("\n") };
}
