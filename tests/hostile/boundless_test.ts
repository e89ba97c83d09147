// Few bytes that would have the node take much memory or much time, or grow something beyond what can be read again.

import assert from "node:assert/strict";
import { METHODS } from "../../src/wire/message_codec.ts";
import { Door, readAnswer } from "../chaos/door.ts";
import { crowdedUpdate, nestedMessagePack, removedNamespaces, unsealedToken } from "./forgery.ts";
import { json, request } from "./http_request.ts";
import { Stranger } from "./stranger.ts";
import type { Target } from "./target.ts";
import { tryInputs, watched } from "./verdict.ts";

Deno.test("what is taken in is bounded by the bytes that came", (t) =>
  tryInputs(t, {
    "60 KB of nested MessagePack from a peer": async (trial) => {
      await trial.attack(async (target) => {
        for (let i = 0; i < 3; i++) {
          await using stranger = await Stranger.enter(target);
          for (const link of stranger.links) link.send(nestedMessagePack());
          await watched(300);
        }
      });
    },

    "60 KB of nested MessagePack as a value that is shown as JSON": async (trial) => {
      await trial.attack(async (target) => {
        for (const { url } of target.nodes) {
          const headers = { "content-type": "application/msgpack" };
          const body = nestedMessagePack();
          await request(`${url}/kv/nested`, { method: "PUT", headers, body });
          await request(`${url}/kv/nested`);
          await request(`${url}/kv?prefix=nested&values=true`);
        }
      });
    },

    "two tables of 512 removed namespaces": async (trial) => {
      await trial.attack(async (target) => {
        for (const letter of ["a", "b"]) await tellNamespaces(target, letter);
      });
      await trial.comesBack();
      const { url } = trial.target.nodes[0]!;
      const answer = await request(`${url}/namespaces/own%3A`, json("PUT", { r: "one" }));
      assert.equal(answer?.status, 200, answer?.text);
    },

    "updates of Yjs that take quadratic time": async (trial) => {
      const update = crowdedUpdate(28_000).toBase64();
      const body = { operations: [{ type: "document", update }] };
      await trial.attack(async (target) => {
        await Promise.all(target.nodes.map(async ({ url }, i) => {
          for (let j = 0; j < 2; j++) {
            await request(`${url}/kv/crowded:${i}:${j}`, json("POST", body));
          }
        }));
      });
    },

    "actors that were made up until no context can be read": async (trial) => {
      const { target } = trial;
      using door = new Door(new Map(target.nodes.map(({ name, ports }) => [name, ports.resp])));
      const names = target.nodes.map(({ name }) => name);
      await trial.attack(async () => {
        for (let i = 0; i < 20; i++) {
          const actors = Array.from({ length: 50 }, (_, j) => [`x${i}.${j}~AAAAAAAAAAA`, 1]);
          const token = unsealedToken("grown", Object.fromEntries(actors));
          await door.ask(names[i % names.length]!, "DN.SET", "grown", `${i}`, "CONTEXT", token);
        }
      });
      for (const name of names) {
        const read = await door.ask(name, "DN.GET", "grown");
        assert.equal(read.outcome, "ok", JSON.stringify(read));
        const { context } = readAnswer((read as { reply: unknown }).reply);
        const set = await door.ask(name, "DN.SET", "grown", name, "CONTEXT", context);
        assert.equal(set.outcome, "ok", JSON.stringify(set));
      }
    },
  }));

/** Lets every node fetch a table of 512 prefixes, all removed, that begin with a letter. */
async function tellNamespaces(target: Target, letter: string): Promise<void> {
  const prefixes = Array.from({ length: 512 }, (_, i) => [`${letter}${i}:`, 1 + i]);
  const table = removedNamespaces(Object.fromEntries(prefixes));
  const said = { namespaces: letter.repeat(16) };
  await using stranger = await Stranger.enter(target, said);
  for (const link of stranger.links) {
    link.answers = ({ method }) => method === METHODS.fetchNamespaces ? [table] : undefined;
  }
  for (let sequence = 2; sequence < 6; sequence++) {
    await stranger.speak({ ...said, sequence });
    await stranger.heard();
  }
  await watched(300);
}
