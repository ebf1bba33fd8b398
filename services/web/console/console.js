/** The console: what waits and works now, every job, and each job's whole history. A key is pasted, never stored. */
import { html, show } from "../html.js";
import { configure } from "../tidings.js";
import { loadPageWords } from "../words.js";
import { Bulk } from "./bulk.js";
import { renderEstimates } from "./estimates.js";
import { History } from "./history.js";
import { renderKinds } from "./kinds.js";
import { JobList } from "./list.js";
import { renderOverview } from "./overview.js";

const KEPT = "tidings console key";
const LOOK_MS = 3000;
const at = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

document.documentElement.lang = navigator.language;
let key = sessionStorage.getItem(KEPT) ?? "";
const { client, words } = await configure({ pass: async () => ({ token: key }) });
await loadPageWords(words, client.base);
document.documentElement.lang = words.language;
for (const each of document.querySelectorAll("[data-say]"))
  each.textContent = words.say(/** @type {HTMLElement} */ (each).dataset.say ?? "");

async function enter() {
  try {
    await client.pass(true);
    await client.call("GET", "/v1/overview");
  } catch {
    sessionStorage.removeItem(KEPT);
    at("refused").textContent = key ? words.say("console-key-bad") : "";
    at("enter").hidden = false;
    return at("key").focus();
  }
  sessionStorage.setItem(KEPT, key);
  at("enter").hidden = true;
  at("inside").hidden = at("forget").hidden = false;
  open();
}

at("enter").onsubmit = (event) => {
  event.preventDefault();
  key = /** @type {HTMLInputElement} */ (at("key")).value.trim();
  enter();
};
at("forget").onclick = () => (sessionStorage.removeItem(KEPT), location.reload());

/** @typedef {{list: JobList, history: History}} Desk */

/** What each view looks at, when it is opened and every few seconds after. @type {Record<string, (desk: Desk) => Promise<void>>} */
const VIEWS = {
  async jobs({ list, history }) {
    const [found] = await Promise.all([ask("/v1/overview"), list.refresh(), history.refresh()]);
    show(at("overview"), found ? renderOverview(found, words) : away());
  },
  async estimates() {
    const found = await ask("/v1/waits/calibration");
    show(at("estimates"), found ? renderEstimates(found, words) : away());
  },
  async kinds() {
    const found = await ask("/v1/types");
    show(at("kinds"), found ? renderKinds(found.types, words) : away());
  },
};

/** @param {string} path */
const ask = (path) => client.call("GET", path).then((response) => response.json()).catch(() => null);
const away = () => html`<p role="status">${words.say("screen-away")}</p>`;

/** The view that the address names. */
function seen() {
  const name = location.hash.slice(1);
  return name in VIEWS ? name : "jobs";
}

function turn() {
  for (const name of Object.keys(VIEWS)) at(`view-${name}`).hidden = name !== seen();
  for (const tab of at("tabs").querySelectorAll("a")) {
    if (tab.hash === `#${seen()}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

/** @param {Desk} desk */
async function look(desk) {
  if (document.visibilityState === "visible") await VIEWS[seen()](desk);
  setTimeout(() => look(desk), LOOK_MS);
}

async function open() {
  const history = new History(at("timeline"), client, words);
  const bulk = new Bulk(at("bulk"), client, words, { all: () => list.pickAll(), done: () => list.search() });
  const list = new JobList(at("list"), client, words, {
    open: (view) => history.open(view),
    picked: (views) => bulk.pick(views),
  });
  const found = await ask("/v1/types");
  filters((found?.types ?? []).map((/** @type {{name: string}} */ type) => type.name), list);
  list.search();
  addEventListener("hashchange", () => (turn(), VIEWS[seen()]({ list, history })));
  turn();
  look({ list, history });
}

const STATES = ["queued", "running", "needs_fix", "finished", "canceled"];

/** @param {string[]} types @param {JobList} list */
function filters(types, list) {
  const form = /** @type {HTMLFormElement} */ (at("filters"));
  const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string[][]} */ options) =>
    html`<label>${label}<select name="${name}"><option value="">${words.say("console-any")}</option>${options.map(([value, text]) => html`<option value="${value}">${text}</option>`)}</select></label>`;
  show(
    form,
    html`<label>${words.say("console-search")}<input name="q" type="search" /></label>
      <label>${words.say("console-owner")}<input name="owner" type="search" /></label>
      ${choice("type", words.say("console-type"), types.map((each) => [each, each]))}
      ${choice("state", words.say("console-state"), STATES.map((each) => [each, words.say(`state-${each}`)]))}`,
  );
  form.onsubmit = (event) => event.preventDefault();
  form.oninput = () => {
    list.filters = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value));
    list.search();
  };
}

enter();
