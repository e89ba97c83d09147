// A cluster of real processes to which everything may be done: each node can be killed, paused, cut off, and can
// lose its disk or get an older copy of it back.

import { join } from "node:path";
import { freePortBase } from "../cluster/free_ports.ts";
import { DenamoProcess } from "../cluster/processes.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { CuttingProxies } from "./cutting_proxy.ts";

export interface VictimOptions {
  readonly nodes: number;
  /** Flags for all nodes. */
  readonly flags?: readonly string[];
}

/** One node: its process changes, its ports and its place on the disk do not. */
export interface Victim {
  readonly name: string;
  readonly data: string;
  readonly ports: { readonly p2p: number; readonly resp: number; readonly http: number };
  readonly url: string;
  process: DenamoProcess | undefined;
  /** Where an older copy of its data lies. */
  backup: string | undefined;
}

export class Victims implements AsyncDisposable {
  readonly nodes: readonly Victim[];
  readonly proxies: CuttingProxies;
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #proxyPorts = new Map<string, number>();
  readonly #ended: DenamoProcess[] = [];

  private constructor(directory: string, { nodes, flags = [] }: VictimOptions) {
    const base = freePortBase(nodes);
    this.#directory = directory;
    this.#flags = flags;
    this.nodes = Array.from({ length: nodes }, (_, i) => {
      const name = `n${i + 1}`;
      const p2p = base + i + 1;
      const ports = { p2p, resp: p2p + 100, http: p2p + 200 };
      const url = `http://127.0.0.1:${ports.http}`;
      const data = join(directory, name);
      return { name, data, ports, url, process: undefined, backup: undefined };
    });
    this.proxies = new CuttingProxies(
      this.nodes.map(({ name }) => name),
      (name) => this.node(name).process?.pid,
    );
  }

  /** Starts all nodes and waits until they have a layout and are ready. */
  static async start(options: VictimOptions): Promise<Victims> {
    const victims = new Victims(await Deno.makeTempDir({ prefix: "denamo-chaos-" }), options);
    try {
      for (const { name, ports } of victims.nodes) {
        victims.#proxyPorts.set(name, await victims.proxies.open(name, ports.p2p));
      }
      for (const node of victims.nodes) victims.run(node);
      await victims.#makeLayout();
      return victims;
    } catch (error) {
      await victims[Symbol.asyncDispose]();
      throw error;
    }
  }

  node(name: string): Victim {
    return this.nodes.find((node) => node.name === name)!;
  }

  /** Starts the process of a node. */
  run(node: Victim): void {
    const { data, name, ports } = node;
    const addressOf = (peer: string) => `/ip4/127.0.0.1/tcp/${this.#proxyPorts.get(peer)!}`;
    const others = this.nodes.filter((other) => other !== node);
    node.process = new DenamoProcess([
      "node",
      ...["--name", name, "--data", data],
      ...["--listen", `/ip4/127.0.0.1/tcp/${ports.p2p}`, "--announce", addressOf(name)],
      ...others.flatMap((other) => ["--join", addressOf(other.name)]),
      ...["--http", `127.0.0.1:${ports.http}`, "--resp", `127.0.0.1:${ports.resp}`],
      ...this.#flags,
    ]);
  }

  /** Ends the process of a node as a power cut does, and waits until it has gone. */
  async kill(node: Victim): Promise<void> {
    const { process } = node;
    if (process === undefined) return;
    node.process = undefined;
    this.#ended.push(process);
    // A paused process dies as well.
    process.kill("SIGKILL");
    await process.status;
  }

  /** Keeps a copy of the data of a node that does not run. */
  async backUp(node: Victim): Promise<void> {
    const backup = `${node.data}.backup`;
    await removeAll(backup);
    await copyAll(node.data, backup);
    node.backup = backup;
  }

  /** Empties the disk of a node that does not run. */
  async wipe(node: Victim): Promise<void> {
    await removeAll(node.data);
  }

  /** Puts the older copy of its data back to a node that does not run. */
  async restore(node: Victim): Promise<void> {
    await removeAll(node.data);
    await copyAll(node.backup!, node.data);
  }

  /** What `/status` of a node says; undefined if it does not answer at once. */
  async status(node: Victim): Promise<Record<string, unknown> | undefined> {
    return await getJson(`${node.url}/status`) as Record<string, unknown> | undefined;
  }

  /** What a node thinks of the others: their states by name; undefined if it does not answer. */
  async members(node: Victim): Promise<Map<string, string> | undefined> {
    const answer = await getJson(`${node.url}/cluster/members`) as
      | { members: { node: string; state: string }[] }
      | undefined;
    return answer && new Map(answer.members.map(({ node, state }) => [node, state]));
  }

  /** One of the figures of a node's `/metrics`. */
  async gauge(node: Victim, name: string): Promise<number | undefined> {
    const text = await getText(`${node.url}/metrics`);
    const line = text?.split("\n").find((line) => line.startsWith(`denamo_${name} `));
    return line === undefined ? undefined : Number(line.split(" ")[1]);
  }

  /** Whether a node is ready and has nothing to fill. */
  async isWhole(node: Victim): Promise<boolean> {
    const status = await this.status(node);
    return status?.isReady === true && status.membersUp === this.nodes.length &&
      await this.gauge(node, "filling_partitions_count") === 0;
  }

  async whenWhole(): Promise<void> {
    for (const node of this.nodes) {
      await waitFor(`${node.name} to be whole`, () => this.isWhole(node));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await this.kill(node);
    for (const process of this.#ended) await process[Symbol.asyncDispose]();
    await this.proxies[Symbol.asyncDispose]();
    await removeAll(this.#directory);
  }

  async #makeLayout(): Promise<void> {
    const body = JSON.stringify({ members: this.nodes.map(({ name }) => name) });
    const headers = { "content-type": "application/json" };
    const [first] = this.nodes;
    await waitFor("a layout", async () => {
      await this.#checkThatAllRun();
      try {
        const url = `${first!.url}/cluster/layout`;
        const response = await fetch(url, { method: "POST", headers, body });
        await response.body?.cancel();
        return response.status === 201;
      } catch {
        // Its door is not open yet.
        return false;
      }
    });
    await this.whenWhole();
  }

  async #checkThatAllRun(): Promise<void> {
    for (const { name, process } of this.nodes) {
      const isOver = await Promise.race([process!.status.then(() => true), Promise.resolve(false)]);
      if (isOver) throw new Error(`${name} has ended: ${process!.err}`);
    }
  }
}

async function getJson(url: string): Promise<unknown> {
  const text = await getText(url);
  return text === undefined ? undefined : JSON.parse(text);
}

async function getText(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return await response.text();
  } catch {
    // It is away, and that is what the caller wants to know.
    return undefined;
  }
}

async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function copyAll(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { isDirectory, name } of Deno.readDir(from)) {
    if (isDirectory) await copyAll(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
