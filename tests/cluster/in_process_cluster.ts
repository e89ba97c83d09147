// Nodes of one cluster in this process: real libp2p over loopback, real Deno KV in a temporary directory.

import assert from "node:assert/strict";
import { DenamoError, type NodeOptions, type RunningNode, startNode } from "../../src/mod.ts";
import { waitFor } from "./wait_for.ts";

/** The doors of a node, on free ports. */
export const DOORS = { http: "127.0.0.1:0", resp: "127.0.0.1:0" } as const;

/** Nodes n1, n2, … of one cluster, and a directory for their data. */
export class Cluster implements AsyncDisposable {
  readonly nodes: RunningNode[] = [];
  readonly #directory: string;
  readonly #options: Partial<NodeOptions>;

  private constructor(directory: string, options: Partial<NodeOptions>) {
    this.#directory = directory;
    this.#options = options;
  }

  /** A cluster with its first layout, every node of it ready. */
  static async of(count: number, options: Partial<NodeOptions> = {}): Promise<Cluster> {
    const cluster = await Cluster.withoutLayout(count, options);
    const names = cluster.nodes.map(({ name }) => name);
    const { api } = cluster.nodes[0]!;
    await waitFor("the layout", () => api.initLayout(names, { force: true }).catch(isRefused));
    await cluster.ready();
    return cluster;
  }

  /** Nodes that have been started, whether or not they have met. */
  static async withoutLayout(
    count: number,
    options: Partial<NodeOptions> = {},
  ): Promise<Cluster> {
    const cluster = new Cluster(await Deno.makeTempDir({ prefix: "denamo-" }), options);
    for (let i = 1; i <= count; i++) cluster.nodes.push(await cluster.start(`n${i}`));
    return cluster;
  }

  /** Where a node of this name has its data. */
  dataOf(name: string): string {
    return `${this.#directory}/${name}`;
  }

  /** Starts a node that joins all nodes of the cluster; it is not made one of `nodes`. */
  start(name: string, options: Partial<NodeOptions> = {}): Promise<RunningNode> {
    const join = this.nodes.flatMap(({ p2p }) => p2p);
    return startNode({ name, data: this.dataOf(name), join, ...this.#options, ...options });
  }

  /** Starts a node that has been stopped, in its place among `nodes`. */
  async restart(name: string): Promise<RunningNode> {
    const at = this.nodes.findIndex((node) => node.name === name);
    return this.nodes[at] = await this.start(name);
  }

  async ready(): Promise<void> {
    await waitFor(
      "all nodes to be ready",
      () => this.nodes.every(({ api }) => api.status().isReady && allConnected(api.members())),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Whether an error is a DenamoError with this code and outcome; for assert.rejects(). */
export function hasCode(code: string, outcome: string) {
  return (error: unknown) => {
    assert.ok(error instanceof DenamoError, String(error));
    assert.deepEqual([error.code, error.outcome], [code, outcome], error.message);
    return true;
  };
}

function allConnected(members: readonly { isConnected: boolean }[]): boolean {
  return members.every(({ isConnected }) => isConnected);
}

/** For what is tried until it is made: undefined for a layout that is refused as yet. @throws anything else */
export function isRefused(error: unknown): undefined {
  hasCode("layout_refused", "no")(error);
}
