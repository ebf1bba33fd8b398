/** The console: what waits and works now, every job, and each job's whole history. A key is pasted, never stored. */
import { html, show } from "../html.js";
import { configure } from "../tidings.js";
import { Bulk } from "./bulk.js";
import { History } from "./history.js";
import { JobList } from "./list.js";
import { renderOverview } from "./overview.js";

const KEPT = "tidings console key";
const LOOK_MS = 3000;
const at = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

document.documentElement.lang = navigator.language;
let key = sessionStorage.getItem(KEPT) ?? "";
const { client, words } = await configure({ pass: async () => ({ token: key }) });
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

/** @param {JobList} list @param {History} history */
async function look(list, history) {
  if (document.visibilityState === "visible") {
    const found = await client.call("GET", "/v1/overview").then((response) => response.json()).catch(() => null);
    list.refresh();
    history.refresh();
    show(at("overview"), found ? renderOverview(found, words) : html`<p role="status">${words.say("screen-away")}</p>`);
  }
  setTimeout(() => look(list, history), LOOK_MS);
}

async function open() {
  const history = new History(at("timeline"), client, words);
  const bulk = new Bulk(at("bulk"), client, words, () => list.search());
  const list = new JobList(at("list"), client, words, {
    open: (view) => history.open(view),
    picked: (views) => bulk.pick(views),
  });
  const { types } = await client.call("GET", "/v1/types").then((response) => response.json()).catch(() => ({ types: [] }));
  const names = types.map((/** @type {{name: string}} */ type) => type.name);
  filters(names, list);
  list.search();
  look(list, history);
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
