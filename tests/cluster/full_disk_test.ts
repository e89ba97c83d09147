// Four processes, three copies of each key, and one of them cannot write any more.

import assert from "node:assert/strict";
import { raiseFileLimit } from "../host/file_limit.ts";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess } from "./processes.ts";
import { waitFor } from "./wait_for.ts";

const NAMES = ["n1", "n2", "n3", "n4"];
const FULL = "n4";
const FILE_LIMIT_KIB = 3_000;
const VALUE_BYTES = 60_000;

Deno.test("a node whose disk is full serves reads and leaves writes to others, until it has room again", async () => {
  const directory = await Deno.makeTempDir({ prefix: "denamo-full-" });
  const base = freePortBase(NAMES.length);
  const urls = new Map(NAMES.map((name, k) => [name, `http://127.0.0.1:${base + 201 + k}`]));
  const nodes = new Map<string, DenamoProcess>();
  try {
    let join = "";
    for (const [k, name] of NAMES.entries()) {
      const args = ["node", "--name", name, "--data", `${directory}/${name}`];
      const doors = [
        "--http",
        `127.0.0.1:${base + 201 + k}`,
        "--resp",
        `127.0.0.1:${base + 101 + k}`,
      ];
      const options = name === FULL ? { fileLimitKib: FILE_LIMIT_KIB } : {};
      const node = new DenamoProcess(
        [...args, ...doors, ...(join ? ["--join", join] : [])],
        options,
      );
      nodes.set(name, node);
      join ||= (await node.line(/^node n1 runs at /)).split(" ").find((word) =>
        word.startsWith("/")
      )!;
    }
    const n1 = urls.get("n1")!;
    await waitFor("all to see each other", () => initLayout(n1));
    for (const url of urls.values()) {
      await waitFor(
        `${url} to be ready`,
        () => fetch(`${url}/readyz`).then(drained, () => false),
      );
    }

    const written: string[] = [];
    const write = async (url: string) => {
      const key = `key:${written.length}`;
      const response = await put(url, key, written.length);
      assert.equal(response.status, 204, `${key}: ${await response.text()}`);
      written.push(key);
    };
    await waitFor(`${FULL} to be full`, async () => {
      for (let i = 0; i < 4; i++) await write(n1);
      return await diskOf(n1, FULL) === "readonly";
    });
    const full = urls.get(FULL)!;
    for (let i = 0; i < 12; i++) await write(full);
    for (const key of written.slice(-24)) {
      assert.equal(await valueOf(full, key), key, "the full node answers reads");
    }
    const kept = await countOf(full, "disk_takes_writes");
    assert.equal(kept, 0);
    const own = await owned(full, written);
    assert.equal(await valueOf(full, own, "?r=1"), own, "its own copy is read");
    const log = nodes.get(FULL)!;
    const said = () => log.err + log.out;
    await waitFor("its log to say so", () => /takes no writes: the disk is full/.test(said()));
    assert.equal(said().split("takes no writes: the disk").length, 2, "once");

    await raiseFileLimit(log.pid);
    await waitFor(`${FULL} to have noticed`, async () => await diskOf(n1, FULL) === "ok");
    assert.match(said(), /takes writes again/);
    for (const name of NAMES) {
      await waitFor(`${name} to have handed over all`, async () => {
        return await countOf(urls.get(name)!, "hinted_keys_count") === 0;
      });
    }
    for (const key of written) {
      for (const name of NAMES) assert.equal(await valueOf(urls.get(name)!, key), key);
    }
    await write(full);
    await waitFor(`${FULL} to hold what it missed`, async () => {
      const values = await Promise.all(written.map((key) => valueOf(full, key, "?r=1")));
      return values.every((value, i) => value === written[i]);
    });
  } finally {
    for (const node of nodes.values()) await node[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  }
});

interface MemberAnswer {
  readonly node: string;
  readonly disk: string;
}

async function membersOf(url: string): Promise<MemberAnswer[]> {
  try {
    return (await (await fetch(`${url}/cluster/members`)).json()).members;
  } catch {
    return [];
  }
}

async function diskOf(url: string, node: string): Promise<string | undefined> {
  return (await membersOf(url)).find((member) => member.node === node)?.disk;
}

async function initLayout(url: string): Promise<boolean> {
  const response = await fetch(`${url}/cluster/layout`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ members: NAMES }),
  });
  return await drained(response);
}

/** A value that is its key, and more. */
function put(url: string, key: string, number: number): Promise<Response> {
  const body = `${key} ${String(number).repeat(VALUE_BYTES)}`.slice(0, VALUE_BYTES);
  const headers = { "content-type": "text/plain" };
  return fetch(`${url}/kv/${key}`, { method: "PUT", headers, body });
}

/** The key within a value; undefined if there is none. */
async function valueOf(url: string, key: string, query = ""): Promise<string | undefined> {
  const response = await fetch(`${url}/kv/${key}${query}`);
  const text = await response.text();
  return response.ok ? text.split(" ")[0] : undefined;
}

/** A key that a node owns. */
async function owned(url: string, keys: readonly string[]): Promise<string> {
  for (const key of keys) {
    const answer = await (await fetch(`${url}/cluster/ring?key=${key}`)).json();
    if (answer.placement.owners.includes(FULL)) return key;
  }
  throw new Error(`${FULL} owns none of ${keys.length} keys`);
}

async function countOf(url: string, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((line) => line.startsWith(`denamo_${name}`));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

async function drained(response: Response): Promise<boolean> {
  await response.body?.cancel();
  return response.ok;
}
