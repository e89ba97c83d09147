// What waits for what, in words: for the reader of a world in which nothing goes on.

import type { PeerId } from "../../src/ports/network.ts";
import { type Operation, showBriefly } from "./history.ts";

/** One message on account of a request. */
interface Message {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly sentAtMs: number;
  arrivedAtMs: number | undefined;
}

export class Pending {
  readonly #messages = new Map<Operation, Message[]>();

  /** A message was sent; call what this returns when it arrives. */
  sent(operation: Operation, from: PeerId, to: PeerId, nowMs: number): (nowMs: number) => void {
    const message: Message = { from, to, sentAtMs: nowMs, arrivedAtMs: undefined };
    const messages = this.#messages.get(operation);
    if (messages === undefined) this.#messages.set(operation, [message]);
    else messages.push(message);
    return (arrivedAtMs) => message.arrivedAtMs = arrivedAtMs;
  }

  ended(operation: Operation): void {
    this.#messages.delete(operation);
  }

  /** One line per open request: since when it is open, and where its messages are. */
  describe(
    operations: readonly Operation[],
    nowMs: number,
    isCut: (from: PeerId, to: PeerId) => boolean,
  ): string[] {
    const since = (atMs: number) => `${(nowMs - atMs).toFixed(0)} ms`;
    return operations.filter(({ outcome }) => outcome === "open").map((operation) => {
      const messages = this.#messages.get(operation) ?? [];
      const places = messages.map(({ from, to, sentAtMs, arrivedAtMs }) => {
        if (arrivedAtMs !== undefined) {
          return `${to} has had word of ${from} for ${since(arrivedAtMs)}`;
        }
        const why = isCut(from, to) ? ", where the way is cut" : "";
        return `${from} > ${to} has been under way for ${since(sentAtMs)}${why}`;
      });
      const where = places.length === 0 ? "nothing was sent" : places.join("; ");
      return `${showBriefly(operation)}open for ${since(operation.invokedAtMs)}: ${where}`;
    });
  }
}
