import { MergedValues } from "../../src/crdt/merged_values.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { contextOf } from "../../src/causality/context.ts";
import {
  openAtLeast,
  sealAtLeast,
  sealContext,
  separateTokens,
} from "../../src/causality/context_token.ts";
import { SealKey } from "../../src/causality/seal_key.ts";
import { covers, mergeVectors, type VersionVector } from "../../src/causality/version_vector.ts";
import { Database } from "../../src/client/database.ts";
import { SessionMemory } from "../../src/client/session.ts";
import type { GetOptions, KeyValueApi, ReadResult, WriteResult } from "../../src/node/api.ts";
import { DenamoError } from "../../src/wire/errors.ts";

const KEY = utf8("cart");
const SEAL = new SealKey("n1", new Uint8Array(32));

function encodeContext(key: Uint8Array, vector: VersionVector): string {
  return sealContext(key, contextOf(vector), SEAL);
}

function encodeAtLeast(key: Uint8Array, vector: VersionVector): string {
  return sealAtLeast(key, contextOf(vector), SEAL);
}

/** What a node makes of what it is asked for. */
function decodeAtLeast(key: Uint8Array, tokens: string): VersionVector {
  const find = (id: number) => id === SEAL.id ? SEAL : undefined;
  return separateTokens(tokens)
    .map((token) => openAtLeast(key, token, find).vector)
    .reduce(mergeVectors);
}

/** A node whose answers a test decides, and that keeps what it was asked for. */
class Scripted implements Pick<KeyValueApi, "get" | "put" | "delete"> {
  seen: VersionVector = new Map();
  hasContext = true;
  readonly asked: (VersionVector | undefined)[] = [];

  get(key: Uint8Array, options: GetOptions = {}): Promise<ReadResult> {
    const { atLeast } = options;
    const vector = atLeast === undefined ? undefined : decodeAtLeast(key, atLeast);
    this.asked.push(vector);
    if (vector !== undefined && !covers(this.seen, vector)) {
      return Promise.reject(new DenamoError("stale", "no", "Cannot read as late as asked"));
    }
    const context = () => encodeContext(key, this.seen);
    const nothing = { value: undefined, siblings: [], expiresAtMs: undefined } as const;
    return Promise.resolve({ ...nothing, exists: false, merged: MergedValues.empty, context });
  }

  put(key: Uint8Array): Promise<WriteResult> {
    const { hasContext, seen } = this;
    return Promise.resolve({
      siblings: hasContext ? 1 : 2,
      context: () => hasContext ? encodeContext(key, seen) : undefined,
      atLeast: () => hasContext ? encodeContext(key, seen) : encodeAtLeast(key, seen),
    });
  }

  delete(key: Uint8Array) {
    return Promise.resolve({
      siblings: 0,
      existed: this.hasContext,
      context: () => undefined,
      atLeast: () => this.hasContext ? encodeAtLeast(key, this.seen) : undefined,
    });
  }
}

function open() {
  const node = new Scripted();
  const database = new Database(node as unknown as KeyValueApi);
  return { node, database, session: database.session() };
}

Deno.test("a session asks for what it was shown and what it wrote, and a database does not", async () => {
  const { node, database, session } = open();
  node.seen = new Map([["n1~a", 1]]);
  await session.get("cart");
  await session.get("cart");
  await database.get("cart");
  assert.deepEqual(node.asked, [undefined, new Map([["n1~a", 1]]), undefined]);

  node.seen = new Map([["n1~a", 2]]);
  await session.put("cart", "eggs");
  node.seen = new Map([["n1~a", 1]]);
  await assert.rejects(session.get("cart"), { code: "stale" });
  await session.get("another key");
  assert.deepEqual(node.asked.slice(-2), [new Map([["n1~a", 2]]), undefined]);
});

Deno.test("a session asks for a write that left siblings, and for a delete", async () => {
  const { node, session } = open();
  node.hasContext = false;
  node.seen = new Map([["n1~a", 1]]);
  assert.equal((await session.put("cart", "eggs")).context, undefined);
  await session.delete("cart");
  await session.get("cart");
  node.hasContext = true;
  node.seen = new Map([["n1~a", 2]]);
  await session.delete("cart");
  await session.get("cart");
  assert.deepEqual(node.asked, [new Map([["n1~a", 1]]), new Map([["n1~a", 2]])]);
});

Deno.test("a write through a node that has seen less does not make a session forget", async () => {
  const { node, session } = open();
  node.seen = new Map([["n1~a", 5], ["n2~b", 1]]);
  await session.get("cart");
  node.seen = new Map([["n3~c", 7], ["n2~b", 3]]);
  await session.put("cart", "eggs");
  await assert.rejects(session.get("cart"), { code: "stale" });
  assert.deepEqual(node.asked.at(-1), new Map([["n1~a", 5], ["n2~b", 3], ["n3~c", 7]]));
});

Deno.test("a token that the caller gives is asked for besides what the session remembers", async () => {
  const { node, session } = open();
  node.seen = new Map([["n1~a", 1], ["n2~b", 2]]);
  await session.get("cart", { atLeast: encodeContext(KEY, new Map([["n2~b", 2]])) });
  await session.get("cart", { atLeast: encodeContext(KEY, new Map([["n2~b", 1]])) });
  assert.deepEqual(node.asked, [new Map([["n2~b", 2]]), new Map([["n1~a", 1], ["n2~b", 2]])]);
  const other = encodeContext(utf8("other"), new Map());
  await assert.rejects(session.get("cart", { atLeast: other }), { code: "bad_context" });
});

Deno.test("what a session remembers is what all its tokens of a key cover together", () => {
  const vectors = fc.array(
    fc.array(fc.tuple(fc.constantFrom("n1~a", "n2~b", "n3~c"), fc.integer({ min: 1, max: 9 })))
      .map((entries): VersionVector => new Map(entries)),
    { minLength: 1 },
  );
  fc.assert(fc.property(vectors, (vectors) => {
    const memory = new SessionMemory();
    let all: VersionVector = new Map();
    for (const [i, vector] of vectors.entries()) {
      // As a session does: what a read shows has seen all that it asked for, and takes its place.
      if (memory.isFull(KEY)) memory.learn(KEY, encodeContext(KEY, all), memory.tokenOf(KEY));
      assert.ok(!memory.isFull(KEY));
      memory.learn(KEY, (i % 2 === 0 ? encodeContext : encodeAtLeast)(KEY, vector));
      all = mergeVectors(all, vector);
      const remembered = decodeAtLeast(KEY, memory.tokenOf(KEY)!);
      assert.ok(covers(remembered, all) && covers(all, remembered));
    }
  }));
});

Deno.test("a session reads before it writes when it remembers as many tokens as a read may carry", async () => {
  const { node, session } = open();
  for (let i = 0; i < 7; i++) {
    node.seen = new Map([[`n${i}~a`, 1]]);
    await session.put("cart", "eggs");
  }
  assert.deepEqual(node.asked, []);
  const all = new Map([...Array(7).keys()].map((i): [string, number] => [`n${i}~a`, 1]));
  node.seen = all;
  await session.put("cart", "more");
  assert.deepEqual(node.asked, [all]);
});

Deno.test("the key that was used longest ago is forgotten first", () => {
  const memory = new SessionMemory({ keyCount: 2 });
  const [a, b, c] = [utf8("a"), utf8("b"), utf8("c")];
  for (const key of [a, b]) memory.learn(key, encodeContext(key, new Map([["n1~a", 1]])));
  assert.ok(memory.tokenOf(a) !== undefined);
  memory.learn(c, encodeContext(c, new Map([["n1~a", 1]])));
  assert.ok(memory.tokenOf(a) !== undefined);
  assert.equal(memory.tokenOf(b), undefined);
  assert.ok(memory.tokenOf(c) !== undefined);
});

Deno.test("a session that is to remember no key at all is a mistake", () => {
  for (const keyCount of [0, -1, 1.5, NaN]) {
    assert.throws(() => new SessionMemory({ keyCount }), RangeError);
  }
});
