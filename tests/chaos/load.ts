// A steady load of clients that collide on few keys, and what each of them was told.
//
// A client has a node that it likes. When a request fails there it is made once more through another node,
// within a second; a write that may have happened is made again as another write, with a value of its own, and
// with a key of its own if it has no context. For a while the client then stays with the other node, as clients do.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import type { Write } from "../sim/history.ts";
import { Book } from "./book.ts";
import { Door, readAnswer, type Reply, REQUEST_MS } from "./door.ts";
import type { Timeline } from "./timeline.ts";

export interface LoadOptions {
  readonly nodes: readonly { readonly name: string; readonly resp: number }[];
  readonly clients: number;
  /** Requests per second of all clients together. */
  readonly rate: number;
  /** How many keys they read, change and delete. */
  readonly keys: number;
  readonly seed: number;
  readonly timeline: Timeline;
}

/** How long a client stays away from a node that has failed it, in milliseconds. */
const AVOIDS_MS = 2_000;

/** What a client remembers of a key: what it was shown last, with the context that came with it. */
interface Shown {
  readonly context: string;
  readonly writes: readonly Write[];
}

export class Load {
  readonly book = new Book();
  readonly #options: LoadOptions;
  readonly #startedAtMs = performance.now();
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();
  #onceCount = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Milliseconds since the load was made. */
  get nowMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  start(): void {
    const { clients } = this.#options;
    this.#running = Promise.all(Array.from({ length: clients }, (_, i) => this.#client(i)));
  }

  /** Ends when all requests under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #client(index: number): Promise<void> {
    const { clients, rate, seed } = this.#options;
    using client = new Client(this.#options, index, this.book, () => this.nowMs);
    const random = new SeededRandom(`client ${index} of ${seed}`);
    const pauseMs = 1_000 * clients / rate;
    let dueAtMs = this.nowMs + pauseMs * index / clients;
    while (!this.#isStopped) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAtMs - this.nowMs)));
      // What could not be asked in time is not caught up with.
      dueAtMs = Math.max(dueAtMs + pauseMs, this.nowMs);
      const key = `key:${randomBelow(random, this.#options.keys)}`;
      const lot = randomBelow(random, 100);
      if (lot < 15) await client.putOnce(`once:${index}.${this.#onceCount++}`);
      else if (lot < 50) await client.read(key);
      else if (lot < 60) await client.change(key, true);
      else await client.change(key, false);
    }
  }
}

class Client implements Disposable {
  readonly #name: string;
  readonly #nodes: readonly string[];
  readonly #door: Door;
  readonly #book: Book;
  readonly #timeline: Timeline;
  readonly #now: () => number;
  readonly #shown = new Map<string, Shown>();
  #at: number;
  readonly #home: number;
  #homeAgainAtMs = 0;
  #valueCount = 0;

  constructor(options: LoadOptions, index: number, book: Book, now: () => number) {
    const { nodes, timeline } = options;
    this.#name = `c${index}`;
    this.#nodes = nodes.map(({ name }) => name);
    this.#door = new Door(new Map(nodes.map(({ name, resp }) => [name, resp])));
    this.#book = book;
    this.#timeline = timeline;
    this.#now = now;
    this.#home = this.#at = index % nodes.length;
  }

  [Symbol.dispose](): void {
    this.#door[Symbol.dispose]();
  }

  async read(key: string): Promise<void> {
    await this.#serve("read", (node) => this.#get(node, key));
  }

  /** Replaces, or deletes, what this client was shown last; a key that it has not seen it reads first. */
  async change(key: string, deletes: boolean): Promise<void> {
    if (!this.#shown.has(key)) await this.read(key);
    const shown = this.#shown.get(key);
    if (shown === undefined) return;
    await this.#serve("write", (node) => {
      return this.#write(node, key, deletes ? undefined : this.#newValue(), shown);
    });
  }

  /** Writes a key that nobody has written before nor will again; in a second try it is another key. */
  async putOnce(key: string): Promise<void> {
    await this.#serve("write", (node, attempt) => {
      return this.#write(node, `${key}.${attempt}`, this.#newValue(), undefined);
    });
  }

  /** Makes a request, and once more through another node if it fails. */
  async #serve(
    kind: "read" | "write",
    ask: (node: string, attempt: number) => Promise<boolean>,
  ): Promise<void> {
    const startedAtMs = this.#now();
    if (startedAtMs >= this.#homeAgainAtMs) this.#at = this.#home;
    let isOk = await ask(this.#nodes[this.#at]!, 1);
    if (!isOk) {
      this.#at = (this.#at + 1) % this.#nodes.length;
      this.#homeAgainAtMs = this.#now() + AVOIDS_MS;
      isOk = await ask(this.#nodes[this.#at]!, 2);
    }
    this.#timeline.served.push({ kind, startedAtMs, endedAtMs: this.#now(), isOk });
  }

  async #get(node: string, key: string): Promise<boolean> {
    const answer = await this.#door.ask(node, "DN.GET", key, "TIMEOUT", `${REQUEST_MS}`);
    if (answer.outcome !== "ok") return false;
    const { context, siblings } = readAnswer(answer.reply);
    const writes = siblings.map((value) => this.#book.writeOf(value));
    this.#shown.set(key, { context, writes });
    return true;
  }

  async #write(
    node: string,
    key: string,
    value: string | undefined,
    shown: Shown | undefined,
  ): Promise<boolean> {
    const at = { client: this.#name, node, key };
    const write = this.#book.begin(at, value, shown?.writes, this.#now());
    const command = value === undefined ? ["DN.DEL", key] : ["DN.SET", key, value];
    const context = shown === undefined ? [] : ["CONTEXT", shown.context];
    const [name, ...args] = [...command, ...context, "TIMEOUT", `${REQUEST_MS}`];
    const answer = await this.#door.ask(node, name!, ...args);
    this.#book.end(write, answer.outcome, errorOf(answer), this.#now());
    // What it was shown it has replaced, or perhaps: it must look again.
    this.#shown.delete(key);
    if (answer.outcome !== "ok") return false;
    if (value !== undefined && typeof answer.reply === "string") {
      this.#shown.set(key, { context: answer.reply, writes: [write] });
    }
    return true;
  }

  #newValue(): string {
    return `${this.#name}.${++this.#valueCount}`;
  }
}

function errorOf(answer: Reply): string | undefined {
  return answer.outcome === "ok" ? undefined : answer.error;
}
