// One round of a scan on its way to the owners of a few neighbouring partitions.
//
// Nodes are asked such that every partition has R owners among them. One that fails, or has not answered within a quarter
// of a second, is made up for by others; a late answer still counts. A node that was late is asked last for a while,
// for a scan has many rounds, and must not wait for the same node in each of them.

import type { Cluster } from "../replica/cluster.ts";
import { reachable } from "../replica/cluster.ts";
import type { Deadline, Deadlines } from "../wire/deadlines.ts";
import { DenamoError, messageOf, QuorumError } from "../wire/errors.ts";
import { MOST_PATIENCE_MS } from "../wire/hedging.ts";
import type { ScanAnswer } from "./scan_answers.ts";

/** How long a node is asked last that has been late or has failed, in milliseconds. */
const AVOIDED_MS = 10_000;

/** The owners of one partition in one namespace, and how many of them must answer. */
export interface OwnersWanted {
  readonly partition: number;
  readonly owners: readonly string[];
  readonly needed: number;
  /** Whether this node, if it is one of them, still fills its copies and so does not count. */
  readonly isSelfFilling: boolean;
}

/** Nodes that have lately been late or have failed. */
export class Laggards {
  readonly #untilMs = new Map<string, number>();

  note(node: string, nowMs: number): void {
    this.#untilMs.set(node, nowMs + AVOIDED_MS);
  }

  /** The same nodes, those last that have lately been late. */
  last(nodes: readonly string[], nowMs: number): string[] {
    const isLaggard = (node: string) => (this.#untilMs.get(node) ?? -Infinity) > nowMs;
    return nodes.toSorted((a, b) => Number(isLaggard(a)) - Number(isLaggard(b)));
  }
}

/** What has become of the question to a node. */
type Asked = "open" | "late" | "answered" | "failed";

export class ScanRound {
  readonly #cluster: Cluster;
  readonly #deadlines: Deadlines;
  readonly #laggards: Laggards;
  readonly #wanted: readonly OwnersWanted[];
  readonly #ask: (node: string) => Promise<ScanAnswer>;
  readonly #asked = new Map<string, Asked>();
  readonly #causes = new Map<string, string>();
  readonly #answers: ScanAnswer[] = [];
  readonly #done = Promise.withResolvers<readonly ScanAnswer[]>();
  #isDone = false;
  #deadline: Deadline | undefined;
  #impatience: Deadline | undefined;

  /** @param ask sends the question to a node, which may be this one */
  constructor(
    cluster: Cluster,
    deadlines: Deadlines,
    laggards: Laggards,
    wanted: readonly OwnersWanted[],
    ask: (node: string) => Promise<ScanAnswer>,
  ) {
    this.#cluster = cluster;
    this.#deadlines = deadlines;
    this.#laggards = laggards;
    this.#wanted = wanted;
    this.#ask = ask;
  }

  /** Asks until enough have answered. @throws {QuorumError} with the outcome `no` */
  run(timeoutMs: number): Promise<readonly ScanAnswer[]> {
    this.#deadline = this.#deadlines.set(timeoutMs, () => this.#expire());
    this.#askFurther();
    this.#hedgeLater();
    return this.#done.promise;
  }

  /** Asks so many that every partition has enough who have answered or may soon; fails where there are too few. */
  #askFurther(): void {
    for (const wanted of this.#wanted) {
      if (this.#isDone) return;
      const usable = this.#usable(wanted);
      if (usable.length < wanted.needed) return this.#fail(wanted);
      let missing = wanted.needed - usable.filter((node) => this.#isPromising(node)).length;
      for (const node of usable) {
        if (missing <= 0) break;
        if (this.#asked.has(node)) continue;
        this.#send(node);
        missing--;
      }
    }
    this.#judge();
  }

  /** The owners that have not failed, in the order in which they are asked. */
  #usable({ isSelfFilling, owners }: OwnersWanted): string[] {
    const { self } = this.#cluster;
    const own = isSelfFilling ? [] : owners.filter((owner) => owner === self);
    const others = reachable(this.#cluster, owners).map(({ node }) => node);
    const usable = [...own, ...others].filter((node) => this.#asked.get(node) !== "failed");
    return this.#laggards.last(usable, this.#deadlines.nowMs);
  }

  #isPromising(node: string): boolean {
    const asked = this.#asked.get(node);
    return asked === "open" || asked === "answered";
  }

  #send(node: string): void {
    this.#asked.set(node, "open");
    this.#ask(node).then((answer) => {
      if (this.#isDone) return;
      this.#asked.set(node, "answered");
      this.#answers.push(answer);
      this.#judge();
    }, (error) => {
      if (this.#isDone) return;
      if (!(error instanceof DenamoError)) return this.#end(() => this.#done.reject(error));
      this.#asked.set(node, "failed");
      this.#causes.set(node, messageOf(error));
      this.#laggards.note(node, this.#deadlines.nowMs);
      this.#askFurther();
    });
  }

  /** The owners that have answered, and count. */
  #answered({ isSelfFilling, owners }: OwnersWanted): string[] {
    const hasAnswered = (owner: string) => this.#asked.get(owner) === "answered";
    return owners.filter((owner) => {
      return hasAnswered(owner) && !(isSelfFilling && owner === this.#cluster.self);
    });
  }

  #judge(): void {
    const isEnough = this.#wanted.every((wanted) => {
      return this.#answered(wanted).length >= wanted.needed;
    });
    if (isEnough && !this.#isDone) this.#end(() => this.#done.resolve(this.#answers));
  }

  /** Asks others beside those that take long; where there are no others they are waited for. */
  #hedgeLater(): void {
    if (this.#isDone) return;
    this.#impatience = this.#deadlines.set(MOST_PATIENCE_MS, () => {
      for (const [node, asked] of this.#asked) {
        if (asked !== "open") continue;
        this.#asked.set(node, "late");
        this.#laggards.note(node, this.#deadlines.nowMs);
      }
      this.#askFurther();
      this.#hedgeLater();
    });
  }

  #expire(): void {
    const isMissing = (wanted: OwnersWanted) => this.#answered(wanted).length < wanted.needed;
    this.#fail(this.#wanted.find(isMissing)!);
  }

  #fail(wanted: OwnersWanted): void {
    const { isSelfFilling, needed, owners, partition } = wanted;
    const answered = this.#answered(wanted);
    const causes = owners.filter((owner) => !answered.includes(owner)).map((owner) => {
      const cause = this.#causes.get(owner);
      if (cause !== undefined) return `${owner} failed: ${cause}`;
      if (isSelfFilling && owner === this.#cluster.self) return `${owner} still fills its copies`;
      return this.#asked.has(owner)
        ? `${owner} has not answered in time`
        : `${owner} is not connected`;
    });
    const numbers = { needed, got: answered.length, asked: owners.length, causes };
    const error = new QuorumError(`read quorum for partition ${partition}`, "no", numbers);
    this.#end(() => this.#done.reject(error));
  }

  #end(conclude: () => void): void {
    this.#isDone = true;
    if (this.#deadline !== undefined) this.#deadlines.clear(this.#deadline);
    if (this.#impatience !== undefined) this.#deadlines.clear(this.#impatience);
    conclude();
  }
}
