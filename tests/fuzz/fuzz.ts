// Fuzzes a cluster of three processes from outside, and judges it by whether others are served and nothing is lost.
//
// The layout has a fourth member, whose process is ended: whoever fuzzes speaks as a stranger and as that member.
// Every key is at every node, so that honest requests go through none but the three.

import { inParallel } from "../../src/base/in_parallel.ts";
import { DenamoProcess } from "../cluster/processes.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { HonestClients, type Served } from "../hostile/honest_client.ts";
import { json, request } from "../hostile/http_request.ts";
import { PARTITIONS, Target, type TargetNode } from "../hostile/target.ts";
import { inMiB, MEMORY_FACTOR } from "../hostile/verdict.ts";
import { warmUp } from "../hostile/warm_up.ts";
import type { AttackKind, AttackOrder, AttackReport } from "./attack_worker.ts";
import { Tally } from "./tally.ts";

export interface FuzzOptions {
  readonly seed: string;
  /** How long the attacks take together, in milliseconds. */
  readonly forMs: number;
  /** Messages between nodes and RESP commands, each; HTTP requests are three tenths of it. */
  readonly inputCount: number;
  readonly kinds: readonly AttackKind[];
  readonly firstBatch: number;
  readonly tell: (line: string) => void;
}

/** What one attack came to. */
export interface AttackResult {
  readonly kind: AttackKind;
  readonly tally: Tally;
  readonly tookMs: number;
  /** How honest requests went meanwhile; undefined where nobody was attacked but this process. */
  readonly served: Served | undefined;
}

export interface FuzzResult {
  readonly attacks: readonly AttackResult[];
  /** Empty if nothing was found. */
  readonly findings: readonly string[];
}

/** How the time is shared out: RESP commands, most of which write at every node, take the most. */
const SHARES: Readonly<Record<AttackKind, number>> = { decoders: 1, rpc: 3, resp: 4, http: 2 };

const SERVED_LEAST = 0.99;
const CALM_MS = 2_000;
/** How long the nodes work hard before their memory is measured: after that it grows no more. */
const WARM_MS = 10_000;

const CACHE_BYTES = 2 ** 20;

/** How often nodes work before each has come back to the memory that it had. */
const MEMORY_ROUNDS = 12;

const INSIDER = "n4";

export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { kinds, tell } = options;
  const attacks: AttackResult[] = [];
  const findings: string[] = [];
  if (kinds.includes("decoders")) {
    const decoders = await attack({ ...NO_CLUSTER, ...orderOf("decoders", options) }, tell);
    attacks.push(decoders);
    findings.push(...decoders.tally.findings);
  }
  if (kinds.every((kind) => kind === "decoders")) return { attacks, findings };

  tell("starting a cluster");
  await using siege = await Siege.begin();
  for (const kind of kinds) {
    if (kind === "decoders" || findings.length > 0) continue;
    const result = await siege.attack(orderOf(kind, options), tell);
    attacks.push(result);
    findings.push(...result.tally.findings, ...await siege.problems(result.served));
  }
  if (findings.length === 0) findings.push(...await siege.end(tell));
  return { attacks, findings };
}

type AttackWish = Pick<AttackOrder, "kind" | "seed" | "inputCount" | "forMs" | "firstBatch">;

const NO_CLUSTER = {
  nodes: [],
  facts: { layoutId: "", partitions: PARTITIONS, names: [], peerIds: [] },
  insider: { name: INSIDER, identity: new Uint8Array() },
};

function orderOf(kind: AttackKind, options: FuzzOptions): AttackWish {
  const { firstBatch, kinds, seed } = options;
  const shares = kinds.reduce((sum, one) => sum + SHARES[one], 0);
  const inputCount = kind === "http" ? options.inputCount * 0.3 : options.inputCount;
  const forMs = options.forMs * SHARES[kind] / shares;
  return { kind, seed, inputCount, forMs, firstBatch };
}

/** A cluster that is attacked, with those who are to be served meanwhile. */
class Siege implements AsyncDisposable {
  readonly #target: Target;
  /** The three that run. */
  readonly #nodes: readonly TargetNode[];
  readonly #clients: HonestClients;
  readonly #order: Pick<AttackOrder, "nodes" | "facts" | "insider">;
  readonly #memoryBefore: ReadonlyMap<string, number>;

  private constructor(
    target: Target,
    nodes: readonly TargetNode[],
    clients: HonestClients,
    order: Pick<AttackOrder, "nodes" | "facts" | "insider">,
  ) {
    this.#target = target;
    this.#nodes = nodes;
    this.#clients = clients;
    this.#order = order;
    this.#memoryBefore = new Map(nodes.map((node) => [node.name, target.memoryOf(node)]));
  }

  static async begin(): Promise<Siege> {
    const names = ["n1", "n2", "n3", INSIDER];
    // What they keep of what was really stored is in their caches, which are to be full before and after alike.
    const flags = ["--replication", String(names.length), "--cache-bytes", String(CACHE_BYTES)];
    const target = await Target.start({ names, flags });
    const insider = target.node(INSIDER);
    const nodes = target.nodes.filter((node) => node !== insider);
    const { layoutId } = (await target.status(insider))!;
    await target.stop(insider);
    const identity = await Deno.readFile(`${insider.data}/identity`);
    const clients = new HonestClients(nodes);
    await clients.prepare();
    await warmUp(nodes, WARM_MS);
    const facts = {
      layoutId: String(layoutId),
      partitions: PARTITIONS,
      names,
      peerIds: target.nodes.map(({ peerId }) => peerId),
    };
    const attacked = nodes.map((node) => {
      const { name, peerId, ports: { http, resp } } = node;
      return { name, peerId, http, resp, address: target.addressOf(node) };
    });
    return new Siege(target, nodes, clients, {
      nodes: attacked,
      facts,
      insider: { name: INSIDER, identity },
    });
  }

  async attack(wish: AttackWish, tell: (line: string) => void): Promise<AttackResult> {
    this.#clients.start();
    const result = await attack({ ...wish, ...this.#order }, tell);
    await pass(CALM_MS);
    return { ...result, served: await this.#clients.stop() };
  }

  /** What is wrong after one attack. */
  async problems(served: Served | undefined): Promise<string[]> {
    const problems = [...await this.#target.crashes(), ...this.#target.unforeseen()];
    if (served !== undefined && served.share < SERVED_LEAST) {
      const { askedCount, failures, okCount } = served;
      problems.push(`${okCount} of ${askedCount} honest requests were served`);
      for (const [reason, count] of failures) problems.push(`  ${count} times ${reason}`);
    }
    if (problems.length === 0) problems.push(...await this.#clients.lost());
    if (problems.length > 0) await this.#keepLogs(problems);
    return problems;
  }

  /** Whether everything is as before: memory, keys, all nodes after another start, and their copies. */
  async end(tell: (line: string) => void): Promise<string[]> {
    const problems = await this.#problemsAtEnd(tell);
    if (problems.length > 0) await this.#keepLogs(problems);
    return problems;
  }

  async #problemsAtEnd(tell: (line: string) => void): Promise<string[]> {
    const target = this.#target;
    try {
      tell("waiting for the memory to be free again");
      await this.#memoryIsFree(tell);
      tell("starting all nodes again");
      await Promise.all(this.#nodes.map((node) => target.stop(node)));
      for (const node of target.nodes) target.run(node);
      await target.ready();
      const lost = await this.#clients.lost();
      if (lost.length > 0) return lost;
      tell("comparing all copies");
      await this.#becomeEqual();
      return [...await this.#clients.lost(), ...await target.crashes(), ...target.unforeseen()];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error), ...await target.crashes()];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients[Symbol.dispose]();
    await this.#target[Symbol.asyncDispose]();
  }

  /** What the nodes have logged outlives them where something was found. */
  async #keepLogs(problems: string[]): Promise<void> {
    const directory = await Deno.makeTempDir({ prefix: "denamo-fuzz-" });
    for (const { name, process } of this.#target.nodes) {
      await Deno.writeTextFile(`${directory}/${name}.log`, process.err);
    }
    problems.push(`The logs of the nodes are in ${directory}`);
  }

  /** Whoever does nothing collects no garbage: so the nodes do the work that they were measured by. */
  async #memoryIsFree(tell: (line: string) => void): Promise<void> {
    let late = this.#nodes;
    for (let round = 0; round < MEMORY_ROUNDS && late.length > 0; round++) {
      await warmUp(this.#nodes, WARM_MS);
      const held = this.#nodes.map((node) => {
        const before = this.#memoryBefore.get(node.name)!;
        return { node, before, now: this.#target.memoryOf(node) };
      });
      tell(
        held.map(({ before, node, now }) => `${node.name} ${inMiB(before)}, now ${inMiB(now)}`)
          .join("; "),
      );
      const tooMuch = held.filter(({ before, now }) => now > before * MEMORY_FACTOR);
      late = late.filter((node) => tooMuch.some((one) => one.node === node));
    }
    if (late.length === 0) return;
    const names = late.map(({ name }) => name).join(", ");
    throw new Error(`${names} did not come back to ${MEMORY_FACTOR} times the memory of before`);
  }

  async #becomeEqual(): Promise<void> {
    const urls = this.#target.nodes.map(({ url }) => url);
    await inParallel(urls, urls.length, async (url) => {
      await request(`${url}/cluster/repair`, json("POST", {}));
    });
    let said = "";
    try {
      await waitFor("denamo repair --check to find no difference", async () => {
        await using check = new DenamoProcess(["repair", "--check", "--url", urls[0]!]);
        const code = await check.code();
        said = `${check.out}${check.err}`;
        return code === 0;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}:\n${said}`);
    }
  }
}

/** Lets a thread attack, and tells now and then how far it has come. */
async function attack(order: AttackOrder, tell: (line: string) => void): Promise<AttackResult> {
  const { kind } = order;
  const worker = new Worker(new URL("./attack_worker.ts", import.meta.url), { type: "module" });
  const startedAtMs = performance.now();
  const seconds = () => ((performance.now() - startedAtMs) / 1_000).toFixed(0);
  let toldAtMs = startedAtMs;
  try {
    const tally = await new Promise<Tally>((resolve, reject) => {
      worker.onmessage = ({ data: { isDone, tally: words } }: MessageEvent<AttackReport>) => {
        const tally = new Tally();
        tally.join(words);
        if (isDone) return resolve(tally);
        if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
        toldAtMs = performance.now();
        tell(`${kind}: ${tally.sentCount} inputs in ${seconds()} s`);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`The thread that attacks has ended: ${event.message}`));
      };
      worker.postMessage(order);
    });
    tell(`${kind}: ${tally.sentCount} inputs in ${seconds()} s, ended`);
    return { kind, tally, tookMs: performance.now() - startedAtMs, served: undefined };
  } finally {
    worker.terminate();
  }
}

const TELL_EVERY_MS = 10_000;

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
