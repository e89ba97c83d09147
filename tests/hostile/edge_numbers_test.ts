// Numbers at the edge of what a decoder takes, from clients and from peers: whoever counts on from them must not
// write what nobody can read.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { Door } from "../chaos/door.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { objectBytes, removedNamespaces, unsealedToken } from "./forgery.ts";
import { json, request } from "./http_request.ts";
import { Stranger } from "./stranger.ts";
import { PARTITIONS, type Target } from "./target.ts";
import { type Trial, tryInputs, watched } from "./verdict.ts";

/** Of the time 2^53 − 2^32: one that was found to do harm, which belongs to some other key, and the same for `k`. */
const TOKENS_OF_THE_LARGEST_TIME: readonly string[] = [
  "ASEIlSQelG_eAQ56en5BQUFBQUFBQUFBQYCAgIDw__8PSzxboQ",
  unsealedToken("k", { "zz~AAAAAAAAAAA": MAX_TIME }),
];

/** As often, and for so long, as one client may well try. */
const TRIES = 60;
const PAUSE_MS = 50;

const YEAR_2076 = Date.UTC(2076, 0) * TICKS_PER_MS;

Deno.test("a number at its edge is not counted up from", (t) =>
  tryInputs(t, {
    "a context of the largest time over RESP": (trial) => {
      return useTokens(trial, (door, target, i) => {
        const { name } = target.nodes[i % target.nodes.length]!;
        return door.ask(name, "DN.SET", "k", "v", "CONTEXT", TOKENS_OF_THE_LARGEST_TIME[i % 2]!);
      });
    },

    "a context of the largest time over HTTP": (trial) => {
      return useTokens(trial, (_door, target, i) => {
        return httpPut(target, i, "k", TOKENS_OF_THE_LARGEST_TIME[i % 2]!);
      });
    },

    "contexts of the year 2076 and of the largest times, of many keys": (trial) => {
      return useTokens(trial, (door, target, i) => {
        const { name } = target.nodes[i % target.nodes.length]!;
        const time = [YEAR_2076, MAX_TIME, MAX_TIME - 1, MAX_TIME + 1][i % 4]!;
        const key = `future:${i}`;
        const token = unsealedToken(key, { "zz~AAAAAAAAAAA": time });
        if (i % 3 === 0) return httpPut(target, i, key, token);
        const command = i % 3 === 1 ? ["DN.DEL", key] : ["DN.SET", key, "v"];
        return door.ask(name, command[0]!, ...command.slice(1), "CONTEXT", token);
      });
    },

    "objects of the largest time from a stranger": async (trial) => {
      const { layoutId } = (await trial.target.status(trial.target.nodes[0]!))!;
      await trial.attack(async (target) => {
        await using stranger = await Stranger.enter(target);
        for (const time of [MAX_TIME, YEAR_2076]) {
          const object = objectBytes({ "n1~AAAAAAAAAAA": time });
          const key = utf8(`forged:${time}`);
          const args = [layoutId, partitionOf(key, PARTITIONS), key, object];
          for (const link of stranger.links) await link.call(METHODS.store, args);
          // Whatever came of it, somebody writes the key without knowing.
          for (let i = 0; i < 20; i++) await httpPut(target, i, `forged:${time}`);
        }
      });
      await assertServesSamePartition(trial, `forged:${MAX_TIME}`);
      await trial.comesBack();
    },

    "an order for a namespace at the largest time": async (trial) => {
      const { target } = trial;
      await trial.attack(async () => {
        await using stranger = await enterWithNamespaces(
          target,
          removedNamespaces({
            "orders:": MAX_TIME,
            "years:": YEAR_2076,
          }),
        );
        await stranger.heard();
        await watched(300);
      });
      for (const prefix of ["orders:", "years:"]) {
        for (const { url } of target.nodes) {
          const place = `${url}/namespaces/${encodeURIComponent(prefix)}`;
          const answer = await request(place, json("PUT", { r: "one" }));
          assert.equal(answer?.status, 200, answer?.text);
        }
      }
      await assertNamespacesAgree(target, ["orders:", "years:"]);
      await trial.comesBack();
      await assertNamespacesAgree(target, ["orders:", "years:"]);
    },
  }));

/** Uses tokens again and again; then the other keys of the partition must be good, also after a restart. */
async function useTokens(
  trial: Trial,
  use: (door: Door, target: Target, index: number) => Promise<unknown>,
): Promise<void> {
  const { target } = trial;
  await trial.attack(async () => {
    using door = new Door(new Map(target.nodes.map(({ name, ports }) => [name, ports.resp])));
    for (let i = 0; i < TRIES; i++) {
      await use(door, target, i);
      await watched(PAUSE_MS);
    }
  });
  const keys = await assertServesSamePartition(trial, "k");
  await trial.comesBack();
  await assertReads(trial, keys);
}

/** Writes other keys of the partition of `key` through every node, and reads them; returns them. */
async function assertServesSamePartition({ target }: Trial, key: string): Promise<string[]> {
  const partition = partitionOf(utf8(key), PARTITIONS);
  const keys: string[] = [];
  for (let i = 0; keys.length < 12; i++) {
    const other = `beside:${i}`;
    if (partitionOf(utf8(other), PARTITIONS) === partition) keys.push(other);
  }
  using door = new Door(new Map(target.nodes.map(({ name, ports }) => [name, ports.resp])));
  for (const [i, other] of keys.entries()) {
    const { name } = target.nodes[i % target.nodes.length]!;
    const reply = await door.ask(name, "DN.SET", other, other, "W", "all");
    assert.equal(reply.outcome, "ok", JSON.stringify(reply));
  }
  await assertReads({ target }, keys);
  return keys;
}

async function assertReads({ target }: Pick<Trial, "target">, keys: readonly string[]) {
  using door = new Door(new Map(target.nodes.map(({ name, ports }) => [name, ports.resp])));
  for (const { name } of target.nodes) {
    for (const key of keys) {
      assert.deepEqual(await door.ask(name, "GET", key), { outcome: "ok", reply: key });
    }
  }
}

async function httpPut(target: Target, index: number, key: string, token?: string): Promise<void> {
  const { url } = target.nodes[index % target.nodes.length]!;
  const context: HeadersInit = token === undefined ? {} : { "denamo-context": token };
  const headers: HeadersInit = { ...context, "content-type": "text/plain" };
  await request(`${url}/kv/${encodeURIComponent(key)}`, { method: "PUT", headers, body: "v" });
}

/** A stranger that says to have set namespaces, and tells a table to everybody who asks. */
async function enterWithNamespaces(target: Target, table: Uint8Array): Promise<Stranger> {
  const said = { namespaces: "0123456789abcdef" };
  const stranger = await Stranger.enter(target, said);
  for (const link of stranger.links) {
    link.answers = ({ method }) => method === METHODS.fetchNamespaces ? [table] : undefined;
  }
  for (let sequence = 2; sequence < 5; sequence++) {
    await stranger.speak({ ...said, sequence });
  }
  return stranger;
}

/** All nodes must show these prefixes, and no member of the layout that knows anything else. */
async function assertNamespacesAgree(target: Target, prefixes: readonly string[]): Promise<void> {
  for (const { name, url } of target.nodes) {
    await waitFor(`${name} to know the namespaces`, async () => {
      const answer = await request(`${url}/namespaces`);
      if (answer?.status !== 200) return false;
      const view = JSON.parse(answer.text);
      const known = view.namespaces.filter(({ source }: { source: string }) => source === "set");
      const names = known.map(({ prefix }: { prefix: string }) => prefix);
      const isDiffering = target.nodes.some(({ name }) => view.differing.includes(name));
      return prefixes.every((prefix) => names.includes(prefix)) && !isDiffering;
    });
  }
}
