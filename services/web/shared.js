import { follow } from "./follow.js";

/**
 * One stream for a browser: of all tabs that want a topic, the one that holds its lock reads it and tells the others.
 * A hidden tab lets go of the lock; when it is seen again it asks what it has missed, or reads by itself.
 */
export class Shared {
  /** @type {AbortController | null} */
  #here = null;
  #leads = false;
  #users = 0;

  /** @param {import("./client.js").Client} client @param {import("./follow.js").Topic} topic
   *  @param {import("./board.js").Board} board */
  constructor(client, topic, board) {
    this.client = client;
    this.topic = topic;
    this.board = board;
    this.name = `tidings ${client.base} ${client.language} ${JSON.stringify(topic)}`;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => this.#hear(data);
  }

  /** Whoever needs the topic calls this, and what it gives when they need it no more. */
  use() {
    if (this.#users++ === 0) {
      document.addEventListener("visibilitychange", this.#look);
      this.#look();
    }
    return () => {
      if (--this.#users > 0) return;
      document.removeEventListener("visibilitychange", this.#look);
      this.#leave();
    };
  }

  #look = () => (document.visibilityState === "hidden" ? this.#leave() : this.#enter());

  #leave() {
    this.#here?.abort();
    this.#here = null;
  }

  #enter() {
    if (this.#here) return;
    const here = (this.#here = new AbortController());
    this.channel.postMessage({ ask: true });
    const lead = () => this.#lead(here.signal);
    // Without locks (a page that is not on https) each tab reads by itself.
    if (!navigator.locks) return void lead();
    navigator.locks.request(this.name, { signal: here.signal }, lead).catch(() => {});
  }

  /** @param {AbortSignal} signal */
  async #lead(signal) {
    this.#leads = true;
    try {
      await follow(this.client, this.topic, signal, {
        status: (view) => this.tell({ view }),
        wait: (wait) => this.tell({ wait }),
        reached: (reached) => this.tell({ reached }),
      });
    } catch (error) {
      this.board.dispatchEvent(new CustomEvent("refused", { detail: { topic: this.topic, error } }));
    } finally {
      this.#leads = false;
    }
  }

  /** Here and in the other tabs. @param {any} news */
  tell(news) {
    this.#hear(news);
    this.channel.postMessage(news);
  }

  /** @param {any} news */
  #hear(news) {
    if (news.view) this.board.put(news.view);
    if (news.views) for (const view of news.views) this.board.put(view);
    if (news.wait) this.board.wait(news.wait);
    if ("reached" in news) this.board.reach(news.reached);
    if (news.ask && this.#leads) this.channel.postMessage({ views: this.#known(), reached: this.board.reached });
  }

  #known() {
    const { topic, board } = this;
    return "owner" in topic ? board.all(topic.owner) : [board.get(topic.job)].filter(Boolean);
  }
}
