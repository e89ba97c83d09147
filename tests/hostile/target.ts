// A cluster of real processes that is attacked: started, started again, and asked how it is.

import assert from "node:assert/strict";
import { join } from "node:path";
import { freePortBase } from "../cluster/free_ports.ts";
import { DenamoProcess } from "../cluster/processes.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { json, request } from "./http_request.ts";

export interface TargetOptions {
  /** Their names; the first layout has all of them. */
  readonly names?: readonly string[];
  /** Flags for all nodes. */
  readonly flags?: readonly string[];
}

/** One node: its process and peer id may change, its ports and its place on the disk do not. */
export interface TargetNode {
  readonly name: string;
  readonly data: string;
  readonly ports: { readonly p2p: number; readonly resp: number; readonly http: number };
  readonly url: string;
  process: DenamoProcess;
  peerId: string;
  /** Whether we have told it to end, so that its end is no finding. */
  isAsked: boolean;
}

/** A member as another node shows it, as far as tests look at it. */
export interface SeenMember {
  readonly node: string;
  readonly state: string;
  readonly disk: string;
  readonly inLayout: boolean;
  readonly incarnation: number;
}

const NAMES = ["n1", "n2", "n3"];

/** What the log says of errors that nobody thought of. */
const UNFORESEEN = /nobody foresaw|could not be handled|HTTP request failed|panicked at|Uncaught/;

/** Partitions are few, so that many keys share one. */
export const PARTITIONS = 256;

/** They end with us, whatever becomes of us. */
const ALWAYS = ["--exit-with-stdin", "--heartbeat-ms", "250", "--partitions", String(PARTITIONS)];

export class Target implements AsyncDisposable {
  readonly nodes: TargetNode[] = [];
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #ended: DenamoProcess[] = [];

  private constructor(directory: string, flags: readonly string[]) {
    this.#directory = directory;
    this.#flags = flags;
  }

  /** Starts all nodes and waits until they have a layout and are ready. */
  static async start({ names = NAMES, flags = [] }: TargetOptions = {}): Promise<Target> {
    const target = new Target(await Deno.makeTempDir({ prefix: "denamo-hostile-" }), flags);
    try {
      const base = freePortBase(names.length);
      for (const [i, name] of names.entries()) {
        const p2p = base + i + 1;
        const ports = { p2p, resp: p2p + 100, http: p2p + 200 };
        const url = `http://127.0.0.1:${ports.http}`;
        const data = join(target.#directory, name);
        const process = target.#spawn({ name, data, ports }, base, names.length);
        target.nodes.push({ name, data, ports, url, process, peerId: "", isAsked: false });
      }
      await target.#makeLayout();
      await target.ready();
      return target;
    } catch (error) {
      await target[Symbol.asyncDispose]();
      throw error;
    }
  }

  node(name: string): TargetNode {
    return this.nodes.find((node) => node.name === name)!;
  }

  /** Where peers reach a node. */
  addressOf({ peerId, ports }: TargetNode): string {
    return `/ip4/127.0.0.1/tcp/${ports.p2p}/p2p/${peerId}`;
  }

  /** Waits until these nodes are ready and see each other up. @throws if one has ended */
  async ready(nodes: readonly TargetNode[] = this.nodes): Promise<void> {
    for (const node of nodes) {
      await waitFor(`${node.name} to be ready`, async () => {
        this.#assertRuns(node);
        const status = await getJson(`${node.url}/status`);
        if (status?.isReady !== true || Number(status.membersUp) < nodes.length) return false;
        node.peerId = String(status.peerId);
        return true;
      });
    }
  }

  /** What a node shows of the others and itself. */
  async members(node: TargetNode): Promise<SeenMember[]> {
    const answer = await getJson(`${node.url}/cluster/members`);
    return (answer?.members ?? []) as SeenMember[];
  }

  /** What `/status` says; undefined if the node does not answer. */
  status(node: TargetNode): Promise<Record<string, unknown> | undefined> {
    return getJson(`${node.url}/status`);
  }

  /** Tells all nodes to end, waits until they have, and starts them again. */
  async restart(): Promise<void> {
    const codes = await Promise.all(this.nodes.map((node) => this.stop(node)));
    for (const [i, { name, process }] of this.nodes.entries()) {
      assert.equal(codes[i], 0, `${name} did not end well:\n${lastLines(process)}`);
    }
    for (const node of this.nodes) this.run(node);
    await this.ready();
  }

  /** Tells a node to end; resolves with its exit code. */
  async stop(node: TargetNode): Promise<number> {
    node.isAsked = true;
    try {
      node.process.kill("SIGTERM");
    } catch {
      // It has ended by itself: its exit code says how.
    }
    return await node.process.code();
  }

  /** Starts a node that has been stopped. */
  run(node: TargetNode): void {
    this.#ended.push(node.process);
    node.process = this.#spawn(node, this.nodes[0]!.ports.p2p - 1, this.nodes.length);
    node.isAsked = false;
  }

  /** Starts another process on a directory, with the name and the peers of a node but ports of its own. */
  spawnAs(node: TargetNode, data: string): DenamoProcess {
    const p2p = freePortBase(1) + 1;
    const ports = { p2p, resp: p2p + 100, http: p2p + 200 };
    const process = this.#spawn(
      { name: node.name, data, ports },
      this.nodes[0]!.ports.p2p - 1,
      this.nodes.length,
    );
    this.#ended.push(process);
    return process;
  }

  /** What was logged that no input may lead to, each once. */
  unforeseen(): string[] {
    return this.nodes.flatMap(({ name, process }) => {
      const lines = process.err.split("\n").filter((line) => UNFORESEEN.test(line));
      const texts = new Set(lines.map((line) => line.replace(/^[-0-9]+ [:.0-9]+ +/, "")));
      return [...texts].map((text) => `${name} has logged: ${text}`);
    });
  }

  /** Those that have ended though nobody told them to, with their last words. */
  async crashes(): Promise<string[]> {
    const problems: string[] = [];
    for (const { isAsked, name, process } of this.nodes) {
      const end = await Promise.race([process.status, Promise.resolve(undefined)]);
      if (end === undefined || isAsked) continue;
      problems.push(`${name} ended with ${end.signal ?? end.code}:\n${lastLines(process)}`);
    }
    return problems;
  }

  /** What a node holds in memory, in bytes; 0 if it has ended. */
  memoryOf({ process }: TargetNode): number {
    try {
      const text = Deno.readTextFileSync(`/proc/${process.pid}/status`);
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [...this.nodes.map(({ process }) => process), ...this.#ended];
    await Promise.all(processes.map((process) => process[Symbol.asyncDispose]()));
    await Deno.remove(this.#directory, { recursive: true });
  }

  #spawn(
    { name, data, ports }: Pick<TargetNode, "name" | "data" | "ports">,
    base: number,
    count: number,
  ): DenamoProcess {
    const others = Array.from({ length: count }, (_, i) => base + i + 1)
      .filter((port) => port !== ports.p2p);
    return new DenamoProcess([
      "node",
      ...["--name", name, "--data", data, "--listen", `/ip4/127.0.0.1/tcp/${ports.p2p}`],
      ...others.flatMap((port) => ["--join", `/ip4/127.0.0.1/tcp/${port}`]),
      ...["--http", `127.0.0.1:${ports.http}`, "--resp", `127.0.0.1:${ports.resp}`],
      ...ALWAYS,
      ...this.#flags,
    ], { stdin: "piped" });
  }

  async #makeLayout(): Promise<void> {
    const [first] = this.nodes;
    const order = json("POST", { members: this.nodes.map(({ name }) => name) });
    await waitFor("a layout", async () => {
      for (const node of this.nodes) this.#assertRuns(node);
      return (await request(`${first!.url}/cluster/layout`, order))?.status === 201;
    });
  }

  #assertRuns({ name, process }: TargetNode): void {
    assert.ok(!process.hasEnded, `${name} has ended:\n${lastLines(process)}`);
  }
}

/** What a process said last: of an error that nobody caught, its beginning. */
export function lastLines({ err }: DenamoProcess, count = 8): string {
  const lines = err.trimEnd().split("\n");
  const error = lines.findLastIndex((line) => /^error:|panicked at/.test(line));
  const from = error < 0 ? Math.max(0, lines.length - count) : error;
  return lines.slice(from, from + count).join("\n");
}

async function getJson(url: string): Promise<Record<string, unknown> | undefined> {
  const answer = await request(url);
  return answer === undefined ? undefined : JSON.parse(answer.text);
}
