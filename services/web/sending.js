import { Away, fromProblem } from "./errors.js";

/**
 * A file on its way. XMLHttpRequest, because fetch can't tell how much of a body has been sent.
 * @param {import("./client.js").Client} client
 * @param {File} file
 * @param {{key?: string, signal?: AbortSignal, progress?: (done: number, total: number) => void}} more
 * @returns {Promise<{id: string, sha256: string, size: number}>}
 */
export async function send(client, file, { key, signal, progress }) {
  const headers = await client.headers();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${client.base}/v1/uploads?name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(headers)) if (name !== "Content-Type") request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    if (key) request.setRequestHeader("Idempotency-Key", key);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress?.(event.loaded, file.size);
    request.onload = () =>
      request.status < 300 ? resolve(request.response) : reject(fromProblem(request.status, request.response));
    request.onerror = request.onabort = request.ontimeout = () => reject(new Away());
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
