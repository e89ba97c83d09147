// One client's connections to the nodes, over the Redis protocol, and what becomes of each of its requests.

import { Redis } from "ioredis";

/** How a request ended; see the three outcomes of the store. */
export type Reply =
  | { readonly outcome: "ok"; readonly reply: unknown }
  | { readonly outcome: "no" | "unknown"; readonly error: string };

/** How long a node may take for a request of the load, in milliseconds. */
export const REQUEST_MS = 1_000;

/** How long a client waits for an answer unless it is told otherwise. */
const PATIENCE_MS = 1_200;
const CONNECT_MS = 500;

interface Connection {
  readonly client: Redis;
  readonly connected: Promise<Redis>;
}

export class Door implements Disposable {
  readonly #ports: ReadonlyMap<string, number>;
  readonly #patienceMs: number;
  readonly #clients = new Map<string, Connection>();

  /**
   * @param ports where each node serves the Redis protocol
   * @param patienceMs how long it waits for an answer
   */
  constructor(ports: ReadonlyMap<string, number>, patienceMs = PATIENCE_MS) {
    this.#ports = ports;
    this.#patienceMs = patienceMs;
  }

  async ask(node: string, command: string, ...args: string[]): Promise<Reply> {
    let client: Redis;
    try {
      client = await this.#clientOf(node);
    } catch (error) {
      this.#drop(node);
      return { outcome: "no", error: `${node} cannot be reached: ${(error as Error).message}` };
    }
    try {
      return { outcome: "ok", reply: await client.call(command, ...args) };
    } catch (error) {
      const { message } = error as Error;
      const [, outcome] = /\(outcome: (no|unknown)\)$/.exec(message) ?? [];
      if (outcome !== undefined) return { outcome: outcome as "no" | "unknown", error: message };
      // What comes late would be an answer to nobody.
      this.#drop(node);
      return { outcome: "unknown", error: `${node}: ${message}` };
    }
  }

  [Symbol.dispose](): void {
    for (const node of [...this.#clients.keys()]) this.#drop(node);
  }

  /** The connection to a node; all who ask while it is being made share it. */
  #clientOf(node: string): Promise<Redis> {
    const known = this.#clients.get(node);
    if (known !== undefined && known.client.status !== "end") return known.connected;
    const client = new Redis({
      host: "127.0.0.1",
      port: this.#ports.get(node)!,
      lazyConnect: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      connectTimeout: CONNECT_MS,
      commandTimeout: this.#patienceMs,
    });
    // Each request reports by itself.
    client.on("error", () => {});
    const connected = client.connect().then(() => client);
    this.#clients.set(node, { client, connected });
    return connected;
  }

  #drop(node: string): void {
    this.#clients.get(node)?.client.disconnect();
    this.#clients.delete(node);
  }
}

/** The map that DN.GET replies with, as RESP2 has it: names and values by turns. */
export function readAnswer(reply: unknown): { siblings: string[]; context: string } {
  const parts = reply as unknown[];
  const at = (name: string) => parts[parts.indexOf(name) + 1];
  return { siblings: at("siblings") as string[], context: at("context") as string };
}
