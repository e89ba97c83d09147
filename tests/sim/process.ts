// One run of a node's process on a simulated machine: what it sees of the world, and how it ends.
//
// The node is the real one. It reaches the world through its ports alone, so a process that has died is one
// whose ports no longer answer, and one that is paused has ports that answer later.

import type { Node } from "../../src/node/node.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { MemoryNetwork } from "./memory_network.ts";
import type { VirtualTime } from "./virtual_clock.ts";

/** The machine's clock: how far it is off, and how fast it runs. */
export interface ClockFace {
  offsetMs: number;
  /** How many of its seconds pass in a true one. */
  readonly rate: number;
}

/** The call of a port at which a process dies. */
export interface LastCall {
  /** Calls that it carries out before; at zero the next one is the last. */
  callsLeft: number;
  /** Whether that call still has its effect. */
  readonly isAfter: boolean;
  readonly die: () => void;
}

/** `died` lost its memory at once; `stopped` has ended in order. */
export type ProcessState = "running" | "paused" | "died" | "stopped";

export class Process {
  readonly run: number;
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  /** Undefined while it starts. */
  node: Node | undefined;
  state: ProcessState = "running";
  /** How often it has been paused; with its state, what an observer needs to know of a span of time. */
  pauseCount = 0;
  /** Where it is to die, if it is. */
  lastCall: LastCall | undefined;
  #disk: MemoryDisk | undefined;
  /** What was due while it was paused. */
  readonly #held: (() => void)[] = [];
  readonly #ended = Promise.withResolvers<void>();

  constructor(run: number, time: VirtualTime, face: ClockFace, network: MemoryNetwork) {
    this.run = run;
    this.network = network;
    const clock = time.clock();
    this.clock = {
      now: () => clock.now() + clock.monotonic() * (face.rate - 1) + face.offsetMs,
      monotonic: () => clock.monotonic() * face.rate,
      after: (delayMs, callback) => {
        let isCancelled = false;
        const timer = clock.after(delayMs / face.rate, () =>
          this.whenRunning(() => {
            if (!isCancelled) callback();
          }));
        return {
          cancel: () => {
            isCancelled = true;
            timer.cancel();
          },
        };
      },
    };
  }

  get isAlive(): boolean {
    return this.state === "running" || this.state === "paused";
  }

  /** Resolves when the process is no more. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** The disk that it has opened, and that a crash must find. */
  set disk(disk: MemoryDisk) {
    this.#disk = disk;
  }

  /** Takes away the disk that it has opened; false if it has none. */
  pullDisk(): boolean {
    if (!this.isAlive || this.#disk === undefined) return false;
    this.#disk.takeAway("The disk has failed: it was pulled out");
    return true;
  }

  /** Commits that its disk has not carried out yet. */
  get commitCount(): number {
    return this.isAlive ? this.#disk?.inFlightCount ?? 0 : 0;
  }

  /** Calls back now, or when a pause is over, or never if the process dies before. */
  whenRunning(callback: () => void): void {
    if (this.state === "running" || this.state === "stopped") callback();
    else if (this.state === "paused") this.#held.push(callback);
  }

  /** Before a call of a port has its effect. The process may die here. */
  beginsCall(): void {
    if (this.lastCall?.isAfter === false && this.lastCall.callsLeft-- <= 0) this.#dieAtCall();
  }

  /** After a call of a port has had its effect. The process may die here. */
  endsCall(): void {
    if (this.lastCall?.isAfter === true && this.lastCall.callsLeft-- <= 0) this.#dieAtCall();
  }

  pause(): void {
    if (this.state !== "running") return;
    this.state = "paused";
    this.pauseCount++;
  }

  resume(): void {
    if (this.state !== "paused") return;
    this.state = "running";
    for (const callback of this.#held.splice(0)) this.whenRunning(callback);
  }

  /**
   * Loses its memory at once.
   *
   * @param isMachine whether the whole machine has, so that nobody is told
   * @param keptShare how much of what its disk was about to commit is on the platter
   */
  die(isMachine: boolean, keptShare: number): void {
    if (!this.isAlive) return;
    this.state = "died";
    this.#held.length = 0;
    if (this.#disk !== undefined) {
      this.#disk.crash(Math.round(this.#disk.inFlightCount * keptShare));
    }
    if (isMachine) this.network.vanish();
    else void this.network.stop();
    this.#ended.resolve();
  }

  /** Has ended by itself. */
  stopped(): void {
    if (!this.isAlive) return;
    this.state = "stopped";
    this.#ended.resolve();
  }

  #dieAtCall(): void {
    const { die } = this.lastCall!;
    this.lastCall = undefined;
    die();
  }
}
