// Calls at the end of a turn of the event loop, when everything that the turn had to send is known.
//
// First the lanes put what waits into frames, then the sockets write all frames of one connection at
// once. A microtask would come too early: what a chain of promises sends in its third step would leave
// apart from what it sent in its first.

import { setImmediate } from "node:timers";

export class TurnEnd {
  #lanes: (() => void)[] = [];
  #sockets: (() => void)[] = [];
  #isScheduled = false;
  readonly #run = () => this.#flush();

  /** Calls `flush` once at the end of this turn, before all sockets. It must not throw. */
  addLane(flush: () => void): void {
    this.#lanes.push(flush);
    this.#schedule();
  }

  /** Calls `flush` once at the end of this turn, after all lanes. It must not throw. */
  addSocket(flush: () => void): void {
    this.#sockets.push(flush);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  #flush(): void {
    const lanes = this.#lanes;
    this.#lanes = [];
    for (const flush of lanes) flush();
    const sockets = this.#sockets;
    this.#sockets = [];
    for (const flush of sockets) flush();
    this.#isScheduled = false;
    if (this.#lanes.length > 0 || this.#sockets.length > 0) this.#schedule();
  }
}
