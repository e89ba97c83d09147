// Which node has answered which about a key, and when: read off the wire.
//
// A message that goes out when a timer fires is on nobody's account, since one timer serves all requests of a node. So
// what a request may rest upon is told by its key and by when it was heard.

import { binaryString, utf8 } from "../../src/base/bytes.ts";
import { type IncomingMessage, METHODS } from "../../src/wire/message_codec.ts";

/** No request of the simulator takes longer, in milliseconds. */
const KEPT_MS = 20_000;

interface Heard {
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
}

export class AnswerBook {
  /** By asker, asked node and id: the key that was asked about. */
  readonly #asked = new Map<string, string>();
  readonly #heard = new Map<string, Heard[]>();

  /** Takes note of a message on its way. */
  sent(from: string, to: string, message: IncomingMessage): void {
    if (message.kind !== "request") return;
    const key = keyIn(message.method, message.arguments);
    if (key !== undefined) this.#asked.set(`${from} ${to} ${message.id}`, key);
  }

  /** Takes note of a message that has arrived. */
  arrived(from: string, to: string, message: IncomingMessage, atMs: number): void {
    if (message.kind !== "answer") return;
    const key = this.#asked.get(`${to} ${from} ${message.id}`);
    if (key === undefined) return;
    const heard = this.#heard.get(key) ?? [];
    const kept = heard[0] !== undefined && heard[0].atMs < atMs - 2 * KEPT_MS
      ? heard.filter((it) => it.atMs >= atMs - KEPT_MS)
      : heard;
    kept.push({ from, to, atMs });
    this.#heard.set(key, kept);
  }

  /** The nodes that have answered `node` about a key since then, itself or by way of one that has answered it. */
  answeredTo(node: string, key: string, sinceMs: number): Set<string> {
    const heard = (this.#heard.get(binaryString(utf8(key))) ?? []).filter(({ atMs }) =>
      atMs >= sinceMs
    );
    const near = new Set(heard.filter(({ to }) => to === node).map(({ from }) => from));
    const far = heard.filter(({ to }) => near.has(to)).map(({ from }) => from);
    return new Set([...near, ...far]);
  }
}

/** The key of a read, or of a request of a client that is forwarded; see replica_service.ts and coordinator.ts. */
function keyIn(method: number, args: readonly unknown[]): string | undefined {
  const key = method === METHODS.read
    ? args[2]
    : method === METHODS.coordinate
    ? args[3]
    : undefined;
  return key instanceof Uint8Array ? binaryString(key) : undefined;
}
