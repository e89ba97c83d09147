// Three processes with three copies of each key, to whose disks something happens, and what others see meanwhile.

import assert from "node:assert/strict";
import { freePortBase } from "../cluster/free_ports.ts";
import { DenamoProcess } from "../cluster/processes.ts";
import { waitFor } from "../cluster/wait_for.ts";

export const NAMES = ["n1", "n2", "n3"] as const;
export type Name = typeof NAMES[number];

/** How long a client waits for an answer, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;

/** How long a key is before its number. Values are this many bytes, so that there are some hundred pages. */
const VALUE_BYTES = 700;

interface MemberAnswer {
  readonly node: string;
  readonly disk: string;
}

export class ThreeNodes implements AsyncDisposable {
  readonly directory: string;
  /** Keys of which a write was acknowledged, each with its value. */
  readonly acknowledged = new Map<string, string>();
  readonly #base: number;
  readonly #processes = new Map<Name, DenamoProcess>();
  #written = 0;

  private constructor(directory: string, base: number) {
    this.directory = directory;
    this.#base = base;
  }

  /** Starts all, with a layout, and writes some keys. */
  static async of(keyCount: number): Promise<ThreeNodes> {
    const directory = await Deno.makeTempDir({ prefix: "denamo-hostile-" });
    const nodes = new ThreeNodes(directory, freePortBase(NAMES.length));
    try {
      for (const name of NAMES) nodes.start(name);
      await waitFor("a layout", () => nodes.#initLayout());
      for (const name of NAMES) await nodes.whenReady(name);
      for (let i = 0; i < keyCount; i++) await nodes.write(NAMES[i % NAMES.length]!);
      assert.equal(nodes.acknowledged.size, keyCount, "all are well at the beginning");
      return nodes;
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts a node, on what lies in its directory. */
  start(name: Name, ...flags: string[]): DenamoProcess {
    const listen = (of: Name) => `/ip4/127.0.0.1/tcp/${this.#port(of, 1)}`;
    const joins = NAMES.filter((other) => other !== name).flatMap((it) => ["--join", listen(it)]);
    const doors = [
      ...["--http", `127.0.0.1:${this.#port(name, 201)}`],
      ...["--resp", `127.0.0.1:${this.#port(name, 101)}`],
    ];
    const args = ["node", "--name", name, "--data", this.data(name), "--listen", listen(name)];
    const process = new DenamoProcess([...args, ...joins, ...doors, ...flags]);
    this.#processes.set(name, process);
    return process;
  }

  /** Ends a node in order, and waits until its process is gone. */
  async stop(name: Name): Promise<void> {
    this.process(name).kill("SIGTERM");
    await this.process(name).code();
  }

  /** The latest process of a node. */
  process(name: Name): DenamoProcess {
    return this.#processes.get(name)!;
  }

  data(name: Name): string {
    return `${this.directory}/${name}`;
  }

  store(name: Name): string {
    return `${this.data(name)}/store.kv`;
  }

  url(name: Name): string {
    return `http://127.0.0.1:${this.#port(name, 201)}`;
  }

  async whenReady(name: Name): Promise<void> {
    await waitFor(`${name} to be ready`, () => isOk(`${this.url(name)}/readyz`));
  }

  /** Writes a key that was never written; whether that was acknowledged within the timeout. */
  async write(name: Name, query = ""): Promise<boolean> {
    const key = `key:${this.#written++}`;
    const value = `${key} `.padEnd(VALUE_BYTES, key);
    const response = await ask(`${this.url(name)}/kv/${key}${query}`, {
      method: "PUT",
      headers: { "content-type": "text/plain" },
      body: value,
    });
    await response?.body?.cancel();
    if (response?.ok === true) this.acknowledged.set(key, value);
    return response?.ok === true;
  }

  /** Writes and reads by turns through these nodes until `end` has settled. */
  async during<T>(
    names: readonly Name[],
    end: Promise<T>,
  ): Promise<{ result: T; served: number; asked: number }> {
    let isOver = false;
    const over = end.finally(() => isOver = true);
    let [asked, served] = [0, 0];
    while (!isOver) {
      for (const name of names) {
        asked++;
        if (asked % 2 === 0 ? await this.write(name) : await this.#readOne(name)) served++;
      }
    }
    return { result: await over, served, asked };
  }

  /** Every acknowledged key is read through a node. */
  async readAll(name: Name): Promise<void> {
    for (const [key, value] of this.acknowledged) {
      const response = await ask(`${this.url(name)}/kv/${key}`);
      assert.equal(await response?.text(), value, `${key} at ${name}`);
    }
  }

  /** Waits until the copies of a node are filled, and hold every acknowledged key by themselves. */
  async whenFilled(name: Name): Promise<void> {
    for (const [key, value] of this.acknowledged) {
      await waitFor(`${name} to hold ${key}`, async () => {
        const response = await ask(`${this.url(name)}/kv/${key}?r=1`);
        return await response?.text() === value;
      });
    }
    await waitFor(`${name} to have filled its copies`, async () => {
      const text = await (await ask(`${this.url(name)}/metrics`))?.text() ?? "";
      return /^denamo_filling_partitions_count 0$/m.test(text);
    });
  }

  /** How a node sees the disk of another. */
  async diskOf(seenBy: Name, name: Name): Promise<string | undefined> {
    const response = await ask(`${this.url(seenBy)}/cluster/members`);
    const members: MemberAnswer[] = response?.ok === true ? (await response.json()).members : [];
    return members.find(({ node }) => node === name)?.disk;
  }

  /** The directories that hold what a node has set aside. */
  async setAsides(name: Name): Promise<string[]> {
    const names = await Array.fromAsync(Deno.readDir(this.data(name)), (entry) => entry.name);
    return names.filter((entry) => entry.startsWith("set-aside-")).sort()
      .map((entry) => `${this.data(name)}/${entry}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes.values()) await process[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }

  async #readOne(name: Name): Promise<boolean> {
    const keys = [...this.acknowledged.keys()];
    const key = keys[(this.#written * 7919) % keys.length]!;
    const response = await ask(`${this.url(name)}/kv/${key}`);
    return await response?.text() === this.acknowledged.get(key);
  }

  async #initLayout(): Promise<boolean> {
    const response = await ask(`${this.url("n1")}/cluster/layout`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ members: NAMES }),
    });
    await response?.body?.cancel();
    return response?.ok === true;
  }

  #port(name: Name, offset: number): number {
    return this.#base + offset + NAMES.indexOf(name);
  }
}

/** Undefined if there is no answer in time. */
async function ask(url: string, init: RequestInit = {}): Promise<Response | undefined> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  } catch {
    return undefined;
  }
}

async function isOk(url: string): Promise<boolean> {
  const response = await ask(url);
  await response?.body?.cancel();
  return response?.ok === true;
}
