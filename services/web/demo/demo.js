/** The busy morning: three tasks as a product would embed them, and ways to make things really go wrong. */
import { Away } from "../errors.js";
import { configure } from "../tidings.js";
import { loadPageWords } from "../words.js";

const KEPT = "tidings demo pass";
const LANGUAGE = "tidings demo language";
const CUT_MS = 20_000;

/** @template {HTMLElement} T @param {string} id */
const at = (id) => /** @type {T} */ (document.getElementById(id));

/** The same visitor in every tab and after a return; two tabs that open at once agree on one.
 *  @param {import("../types.js").Pass | null} old @returns {Promise<import("../types.js").Pass>} */
async function pass(old) {
  const ask = async () => {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    if (kept && kept.token !== old?.token && Date.parse(kept.expires_at) > Date.now() + 60_000) return kept;
    const response = await fetch("/demo/visit", { method: "POST" });
    if (!response.ok) throw new Away();
    const given = await response.json();
    localStorage.setItem(KEPT, JSON.stringify(given));
    return given;
  };
  return navigator.locks ? navigator.locks.request(KEPT, ask) : ask();
}

document.documentElement.lang = localStorage.getItem(LANGUAGE) ?? navigator.language;
const session = await configure({ pass });
const { words, client, board } = session;
await loadPageWords(words, client.base);
document.documentElement.lang = words.language;
document.title = `${words.say("demo-title")} · Tidings`;
for (const each of document.querySelectorAll("[data-say]"))
  each.textContent = words.say(/** @type {HTMLElement} */ (each).dataset.say ?? "");

const slow = /** @type {HTMLInputElement} */ (at("slow"));
const rows = /** @type {HTMLInputElement} */ (at("rows"));

/** What each task asks for; a slow morning is another wish, so it is another job. */
function dress() {
  const pace = slow.checked ? { slow: true } : {};
  for (const task of ["export", "import", "ai"]) {
    const button = at(`${task}-button`);
    button.setAttribute("label", words.say(`demo-${task}-button`));
    button.setAttribute("job-title", words.say(`demo-${task}-title`));
    button.setAttribute("settings", JSON.stringify(task === "export" ? { format: "csv", ...pace } : pace));
  }
}
slow.checked = sessionStorage.getItem("tidings demo slow") === "yes";
dress();
slow.onchange = () => (sessionStorage.setItem("tidings demo slow", slow.checked ? "yes" : "no"), dress());

at("sample").onclick = async () => {
  const response = await fetch(`/demo/customers.csv?mistakes=${rows.checked ? "yes" : "no"}`);
  const file = new File([await response.blob()], "customers.csv", { type: "text/csv" });
  /** @type {any} */ (at("import-button")).choose(file);
};

const tell = (/** @type {string} */ id) => (at("told").textContent = words.say(id));

at("lose").onclick = async () => {
  const owner = await client.owner();
  const running = board.all(owner).filter((view) => view.state === "running");
  const newest = running.sort((a, b) => (a.created_at < b.created_at ? 1 : -1))[0];
  if (!newest) return tell("demo-lose-none");
  const response = await client.call("POST", `/demo/lose-worker?ref=${newest.ref}`);
  tell((await response.json()).killed ? "demo-lose-done" : "demo-lose-none");
};

at("cut").onclick = () => {
  const button = /** @type {HTMLButtonElement} */ (at("cut"));
  button.disabled = client.cut = true;
  dispatchEvent(new Event("tidings-cut"));
  board.reach(false);
  tell("demo-cut-on");
  setTimeout(() => {
    button.disabled = client.cut = false;
    dispatchEvent(new Event("online"));
    tell("demo-cut-off");
  }, CUT_MS);
};

at("language").onclick = () => {
  localStorage.setItem(LANGUAGE, words.language === "de" ? "en" : "de");
  location.reload();
};
at("anew").onclick = async () => {
  await fetch("/demo/visit", { method: "DELETE" });
  localStorage.removeItem(KEPT);
  location.reload();
};
at("page").inert = false; // until here a click would have met nobody
