/**
 * The one script that a product page needs:
 *   <script type="module" src="https://tidings.example/web/tidings.js" data-pass="/my/pass"></script>
 * `data-pass` is a POST of your own server that answers {"token", "owner"} for whoever is logged in.
 */
import { Away } from "./errors.js";
import { TidingsButton } from "./elements/button.js";
import { TidingsJob } from "./elements/job.js";
import { TidingsJobs } from "./elements/jobs.js";
import { configure } from "./session.js";

export { Client } from "./client.js";
export { Away, Refused } from "./errors.js";
export { configure, session } from "./session.js";

const script = /** @type {HTMLScriptElement | null} */ (document.querySelector("script[type=module][data-pass]"));
if (script?.dataset.pass) {
  const href = script.dataset.pass;
  configure({
    pass: async () => {
      const response = await fetch(href, { method: "POST" });
      if (!response.ok) throw new Away();
      return response.json();
    },
  });
}

for (const [name, element] of Object.entries({
  "tidings-button": TidingsButton,
  "tidings-job": TidingsJob,
  "tidings-jobs": TidingsJobs,
}))
  if (!customElements.get(name)) customElements.define(name, element);
