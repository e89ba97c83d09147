// What is done to the nodes: one thing at a time, and always to one node alone.
//
// Losing a disk and getting an old one back destroy copies, so they happen only while all other copies are whole:
// an acknowledged write is on W disks, and one may be lost. While a node has not recovered, the next blow hits
// the same node.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { waitFor } from "../cluster/wait_for.ts";
import type { Blow } from "./timeline.ts";
import type { Victim, Victims } from "./victims.ts";

export const BLOWS = ["kill", "pause", "cut", "lostDisk", "oldDisk"] as const;

export type BlowKind = typeof BLOWS[number];

/** How long a node is dead, paused or cut off, in milliseconds. */
const LASTS_MS = 4_000;

/** How long a node may take to recover before it is hit again, in milliseconds. */
const RECOVERY_MS = 3_000;

export class Blows {
  readonly #victims: Victims;
  readonly #random: SeededRandom;
  readonly #kinds: readonly BlowKind[];
  readonly #now: () => number;
  readonly done: Blow[] = [];

  constructor(
    victims: Victims,
    seed: number,
    kinds: readonly BlowKind[],
    now: () => number,
  ) {
    this.#victims = victims;
    this.#random = new SeededRandom(`blows of ${seed}`);
    this.#kinds = kinds;
    this.#now = now;
  }

  /** Does something to a node, and takes it back; what was destroyed the node must mend by itself. */
  async strike(): Promise<Blow> {
    const { nodes } = this.#victims;
    const hurt = await this.#whoIsHurt();
    const node = hurt ?? nodes[randomBelow(this.#random, nodes.length)]!;
    const drawn = this.#kinds[randomBelow(this.#random, this.#kinds.length)]!;
    const kind = this.#isPossible(drawn, node, hurt) ? drawn : "kill";
    const blow: Blow = { what: kind, node: node.name, atMs: this.#now(), untilMs: Infinity };
    this.done.push(blow);
    await this.#carryOut(kind, node);
    blow.untilMs = this.#now();
    return blow;
  }

  /** Waits a while until all are whole; returns the one that was hit last if they are not. */
  async #whoIsHurt(): Promise<Victim | undefined> {
    const { nodes } = this.#victims;
    const endMs = this.#now() + RECOVERY_MS;
    for (;;) {
      const isWhole = await Promise.all(nodes.map((node) => this.#victims.isWhole(node)));
      if (!isWhole.includes(false)) return undefined;
      // Another that is not whole either, as it has yet to see the first come back, was not hit.
      const last = nodes.find(({ name }) => name === this.done.at(-1)?.node);
      if (this.#now() > endMs) return last;
      await pass(250);
    }
  }

  #isPossible(kind: BlowKind, node: Victim, hurt: Victim | undefined): boolean {
    if (kind === "lostDisk") return hurt === undefined;
    return kind !== "oldDisk" || (hurt === undefined && node.backup !== undefined);
  }

  async #carryOut(kind: BlowKind, node: Victim): Promise<void> {
    const victims = this.#victims;
    switch (kind) {
      case "pause":
        node.process!.kill("SIGSTOP");
        await pass(LASTS_MS);
        node.process!.kill("SIGCONT");
        return;
      case "cut":
        victims.proxies.isolate(node.name);
        await pass(LASTS_MS);
        victims.proxies.healAll();
        return;
      case "kill":
        await victims.kill(node);
        await victims.backUp(node);
        await pass(LASTS_MS);
        victims.run(node);
        return;
      case "lostDisk":
        await victims.kill(node);
        await victims.wipe(node);
        // It comes back under another peer id, which is refused while its name counts as in use.
        await this.#whenDown(node);
        victims.run(node);
        return;
      case "oldDisk":
        await victims.kill(node);
        await victims.restore(node);
        victims.run(node);
        return;
    }
  }

  async #whenDown({ name }: Victim): Promise<void> {
    const others = this.#victims.nodes.filter((node) => node.name !== name);
    for (const other of others) {
      await waitFor(`${other.name} to see that ${name} is down`, async () => {
        return (await this.#victims.members(other))?.get(name) === "down";
      });
    }
  }
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
