// Waiting until a local cluster serves requests: all nodes see each other, have a layout, and are ready.

import type { MemberView, NodeStatus } from "../node/api.ts";
import { HttpClient, ProblemError, UnreachableError } from "./http_client.ts";
import { CannotRunError } from "./report.ts";

/** A node that is being waited for. */
export interface AwaitedNode {
  readonly name: string;
  readonly url: string;
  /** Throws if the node has ended. */
  readonly checkAlive: () => void;
}

export interface ReadinessOptions {
  readonly timeoutMs: number;
  /** Gives up without error. */
  readonly signal: AbortSignal;
}

/**
 * Waits until the nodes are a cluster, and makes its first layout if it has none.
 *
 * @returns what each node says of itself, in order; undefined if the signal was given
 * @throws {CannotRunError} if that takes too long, with what is missing, or what `checkAlive` throws
 */
export async function waitUntilReady(
  nodes: readonly AwaitedNode[],
  { timeoutMs, signal }: ReadinessOptions,
): Promise<NodeStatus[] | undefined> {
  const deadline = performance.now() + timeoutMs;
  const cluster = nodes.map((node) => new StartingNode(node, signal));
  const names = nodes.map(({ name }) => name);
  const steps = [
    () => Promise.all(cluster.map((node) => node.missesMembers(names))),
    () => missesLayout(cluster, names),
    () => Promise.all(cluster.map((node) => node.missesReadiness())),
  ];
  for (const step of steps) {
    while (!signal.aborted) {
      const missing = (await step()).filter((problem) => problem !== undefined);
      if (signal.aborted) break;
      for (const node of nodes) node.checkAlive();
      if (missing.length === 0) break;
      if (performance.now() > deadline) {
        const problems = missing.map((problem) => `\n  ${problem}`).join("");
        throw new CannotRunError(
          `The cluster was not ready within ${timeoutMs / 1000} s:${problems}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  if (signal.aborted) return undefined;
  return await Promise.all(cluster.map((node) => node.status()));
}

const PAUSE_MS = 50;
const REQUEST_TIMEOUT_MS = 5_000;

/** Each question is answered by what is still missing, or undefined. */
class StartingNode {
  readonly #node: AwaitedNode;
  readonly #http: HttpClient;
  readonly #options: { timeoutMs: number; signal: AbortSignal };

  constructor(node: AwaitedNode, signal: AbortSignal) {
    this.#node = node;
    this.#http = new HttpClient(node.url);
    this.#options = { timeoutMs: REQUEST_TIMEOUT_MS, signal };
  }

  missesMembers(names: readonly string[]): Promise<string | undefined> {
    return this.#ask(async () => {
      const answer = await this.#http.request("GET", "/cluster/members", this.#options);
      const members: MemberView[] = answer.json().members;
      const seen = new Set(
        members.filter(({ state, isSelf, isConnected }) =>
          state === "up" && (isSelf || isConnected)
        ).map(({ node }) => node),
      );
      const unseen = names.filter((name) => !seen.has(name));
      return unseen.length === 0 ? undefined : `it does not see ${unseen.join(", ")}`;
    });
  }

  missesLayout(): Promise<string | undefined> {
    return this.#ask(async () => {
      await this.#http.request("GET", "/cluster/ring", this.#options);
      return undefined;
    });
  }

  initLayout(members: readonly string[]): Promise<string | undefined> {
    return this.#ask(async () => {
      const headers = { "content-type": "application/json" };
      // All nodes of the command are members: it was told how many there are to be.
      const body = JSON.stringify({ members, force: true });
      await this.#http.request("POST", "/cluster/layout", { ...this.#options, headers, body });
      return undefined;
    });
  }

  missesReadiness(): Promise<string | undefined> {
    return this.#ask(async () => {
      await this.#http.request("GET", "/readyz", this.#options);
      return undefined;
    });
  }

  async status(): Promise<NodeStatus> {
    return (await this.#http.request("GET", "/status", this.#options)).json();
  }

  async #ask(question: () => Promise<string | undefined>): Promise<string | undefined> {
    try {
      const missing = await question();
      return missing === undefined ? undefined : `${this.#node.name}: ${missing}`;
    } catch (error) {
      if (!(error instanceof ProblemError || error instanceof UnreachableError)) throw error;
      return `${this.#node.name}: ${error.message}`;
    }
  }
}

/** A cluster that has been running has a layout, which any of its nodes may be the first to tell. */
async function missesLayout(
  nodes: readonly StartingNode[],
  names: readonly string[],
): Promise<(string | undefined)[]> {
  const missing = await Promise.all(nodes.map((node) => node.missesLayout()));
  if (missing.includes(undefined)) return [];
  return [await nodes[0]?.initLayout(names)];
}
