// A cluster whose nodes are on machines of their own, and an operator on another.
//
// Machine k has the address 192.0.2.k and the node nk, whose doors everybody reaches; the operator is at 192.0.2.254
// and reaches all of them, also those that cannot reach each other.

import assert from "node:assert/strict";
import type { KeyPlacement, MemberView } from "../../src/mod.ts";
import { DenamoProcess } from "../cluster/processes.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { SwitchedNetwork } from "./network.ts";
import type { Answer, Question } from "./operator.ts";

const P2P_PORT = 7101;
const RESP_PORT = 7201;
const HTTP_PORT = 7301;
const OPERATOR = "operator";

export interface NodeStart {
  /** Where to join: hosts or names. */
  readonly join?: readonly (number | string)[];
  /** The address that its machine has; k unless given. */
  readonly host?: number;
  /** How far its clock is ahead, in seconds; the time that passes is right. */
  readonly clockOffsetSeconds?: number;
}

export class Machines implements AsyncDisposable {
  readonly network: SwitchedNetwork;
  readonly #data: string;
  /** Of machines that were given another address than the first one. */
  readonly #hosts = new Map<number, number>();
  readonly #nodes = new Map<number, DenamoProcess>();
  readonly #operator: Operator;
  readonly #undo: AsyncDisposableStack;

  private constructor(
    network: SwitchedNetwork,
    data: string,
    operator: Operator,
    undo: AsyncDisposableStack,
  ) {
    this.network = network;
    this.#data = data;
    this.#operator = operator;
    this.#undo = undo;
  }

  /** So many machines, on which nothing runs yet. */
  static async make(count: number): Promise<Machines> {
    await using undo = new AsyncDisposableStack();
    const network = undo.use(await SwitchedNetwork.make());
    const data = undo.adopt(
      await Deno.makeTempDir({ prefix: "denamo-machines-" }),
      (path) => Deno.remove(path, { recursive: true }),
    );
    await network.plug(OPERATOR, 254);
    const operator = undo.use(new Operator(network.on(OPERATOR)));
    for (let k = 1; k <= count; k++) await network.plug(`m${k}`, k);
    return new Machines(network, data, operator, undo.move());
  }

  /** Starts the node of a machine, and waits until it runs. */
  async start(
    k: number,
    { join = [], host = k, clockOffsetSeconds }: NodeStart = {},
  ): Promise<void> {
    if (this.#host(k) !== host) {
      await this.network.readdress(`m${k}`, host);
      this.#hosts.set(k, host);
    }
    const clock = clockOffsetSeconds === undefined ? [] : await clockWords(clockOffsetSeconds);
    const at = SwitchedNetwork.address(host);
    const node = new DenamoProcess([
      ...["node", "--name", `n${k}`, "--data", `${this.#data}/n${k}`],
      ...["--listen", `/ip4/${at}/tcp/${P2P_PORT}`],
      ...["--http", `${at}:${HTTP_PORT}`, "--resp", `${at}:${RESP_PORT}`],
      ...join.flatMap((other) => ["--join", p2pAddress(other)]),
    ], { before: [...this.network.on(`m${k}`), ...clock] });
    this.#nodes.set(k, node);
    await node.line(/^node \S+ runs at /);
  }

  async startAll(starts: Readonly<Record<number, NodeStart>>): Promise<void> {
    await Promise.all(Object.entries(starts).map(([k, start]) => this.start(Number(k), start)));
  }

  /** Stops nodes as a machine does that is shut down, all at once. */
  async stop(...which: readonly number[]): Promise<void> {
    await Promise.all(which.map(async (k) => {
      const node = this.#nodes.get(k)!;
      node.kill("SIGTERM");
      assert.equal(await node.code(), 0, node.err);
      this.#nodes.delete(k);
    }));
  }

  /** What a node has logged since its last start. */
  log(k: number): string {
    return this.#nodes.get(k)!.err;
  }

  /** Makes the first layout of all the nodes that run, and waits until they have it. @param at who is told */
  async layout(at = 1): Promise<void> {
    const members = [...this.#nodes.keys()].map((k) => `n${k}`).sort();
    await waitFor("the layout", async () => {
      const { status, text } = await this.http(at, "POST", "/cluster/layout", { members });
      // Not all see each other yet.
      assert.ok([201, 409].includes(status), text);
      return status === 201;
    });
    for (const k of this.#nodes.keys()) {
      await waitFor(`n${k} to have the layout`, async () => {
        return (await this.http(k, "GET", "/cluster/ring")).status === 200;
      });
    }
  }

  /** Waits until nodes serve; all that run unless given. */
  async ready(...which: readonly number[]): Promise<void> {
    for (const k of which.length > 0 ? which : this.#nodes.keys()) {
      await waitFor(`n${k} to be ready`, async () => {
        return (await this.http(k, "GET", "/readyz")).status === 200;
      });
    }
  }

  /** The other nodes that a node sees up, by name. */
  async seenBy(k: number): Promise<string[]> {
    const members = await this.members(k);
    return members.filter(({ isSelf, state, isConnected }) =>
      !isSelf && state === "up" && isConnected
    ).map(({ node }) => node);
  }

  async members(k: number): Promise<MemberView[]> {
    const { text } = await this.http(k, "GET", "/cluster/members");
    return JSON.parse(text).members;
  }

  /** A key all of whose owners, or none, are among some nodes. */
  async keyOf(k: number, fits: (owners: readonly number[]) => boolean): Promise<string> {
    for (let i = 0; i < 1_000; i++) {
      const { text } = await this.http(k, "GET", `/cluster/ring?key=key${i}`);
      const { owners } = JSON.parse(text).placement as KeyPlacement;
      if (fits(owners.map((node) => Number(node.slice(1))))) return `key${i}`;
    }
    throw new Error("No key has such owners");
  }

  /** One request of the operator over HTTP. Status 0 if nobody has answered. */
  http(k: number, method: string, path: string, body?: unknown): Promise<Answer> {
    const url = `http://${this.#address(k)}:${HTTP_PORT}${path}`;
    return this.#operator.ask({
      url,
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** One command of the operator over RESP. @throws if nobody has answered */
  async resp(k: number, ...words: string[]): Promise<Answer> {
    const answer = await this.#operator.ask({ hostname: this.#address(k), port: RESP_PORT, words });
    assert.notEqual(answer.status, 0, answer.text);
    return answer;
  }

  /** Cuts the network between two groups. @returns what mends it */
  async cut(some: readonly number[], others: readonly number[]): Promise<() => Promise<void>> {
    const hostsOf = (which: readonly number[]) => which.map((k) => this.#host(k));
    for (const k of some) await this.network.loseFrom(`m${k}`, hostsOf(others));
    for (const k of others) await this.network.loseFrom(`m${k}`, hostsOf(some));
    return async () => {
      for (const k of some) await this.network.findAgain(`m${k}`, hostsOf(others));
      for (const k of others) await this.network.findAgain(`m${k}`, hostsOf(some));
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes.values()) await node[Symbol.asyncDispose]();
    await this.#undo.disposeAsync();
  }

  #address(k: number): string {
    return SwitchedNetwork.address(this.#host(k));
  }

  #host(k: number): number {
    return this.#hosts.get(k) ?? k;
  }
}

function p2pAddress(other: number | string): string {
  return typeof other === "number"
    ? `/ip4/${SwitchedNetwork.address(other)}/tcp/${P2P_PORT}`
    : `/dns4/${other}/tcp/${P2P_PORT}`;
}

/** What to put before a command so that its clock on the wall is wrong; timers are not. */
async function clockWords(offsetSeconds: number): Promise<string[]> {
  let output;
  try {
    // It stays the parent of what it runs, so that signals would end it alone: it only tells where its library is.
    const args = ["-m", "-f", "+0", "printenv", "LD_PRELOAD"];
    output = await new Deno.Command("faketime", { args }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("faketime is missing: install the package faketime", { cause: error });
  }
  const library = new TextDecoder().decode(output.stdout).trim();
  const sign = offsetSeconds < 0 ? "" : "+";
  return [
    "env",
    `LD_PRELOAD=${library}`,
    `FAKETIME=${sign}${offsetSeconds}s`,
    "DONT_FAKE_MONOTONIC=1",
    "FAKETIME_DONT_FAKE_MONOTONIC=1",
    "NO_FAKE_STAT=1",
  ];
}

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never;

/** The process that asks for us; see operator.ts. */
class Operator implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #asked = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #reading: Promise<void>;
  #count = 0;

  constructor(before: readonly string[]) {
    const [program, ...args] = before;
    const script = new URL("./operator.ts", import.meta.url).href;
    this.#child = new Deno.Command(program!, {
      args: [...args, Deno.execPath(), "run", "-A", "--no-check", "--quiet", script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async ask(question: Unnumbered<Question>): Promise<Answer> {
    const id = this.#count++;
    const answer = Promise.withResolvers<Answer>();
    this.#asked.set(id, answer);
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify({ ...question, id })}\n`));
    return await answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
    await this.#writer.abort().catch(() => {});
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const answer: Answer = JSON.parse(line);
        this.#asked.get(answer.id)?.resolve(answer);
        this.#asked.delete(answer.id);
      }
    }
    for (const { reject } of this.#asked.values()) reject(new Error("The operator has ended"));
  }
}
