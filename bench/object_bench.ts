// The object of a key: merging its sibling sets, encoding and decoding it, and the messages that carry it.

import { utf8 } from "../src/base/bytes.ts";
import { SiblingSet } from "../src/causality/sibling_set.ts";
import { DataObject } from "../src/crdt/data_object.ts";
import { decodeObject, encodeObject } from "../src/crdt/object_codec.ts";
import { decodeMessage, encodeRequest, METHODS } from "../src/wire/message_codec.ts";

const value = { kind: "bytes", bytes: new Uint8Array(1024).fill(120) } as const;
const key = utf8("cart:alice");

function setOf(actors: number, time: number): SiblingSet<string> {
  let set = SiblingSet.empty<string>();
  for (let i = 0; i < actors; i++) set = set.add({ actor: `n${i}~AAAAAAAAAAA`, time }, "value");
  return set;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const older = setOf(3, 1_000);
const newer = setOf(3, 2_000);
const one = DataObject.empty.write(
  { actor: "n1~AAAAAAAAAAA", time: 1 },
  value,
  undefined,
  undefined,
);
const encoded = one.encoded();
const request = encodeRequest(1, METHODS.store, 5_000, ["1-0123456789abcdef", 17, key, encoded])
  .slice();

Deno.bench("sibling sets of three actors: merge", { group: "merge", baseline: true }, () => {
  older.merge(newer, byText);
});

Deno.bench("sibling sets of three actors: merge of what is known", { group: "merge" }, () => {
  newer.merge(newer.merge(older, byText), byText);
});

Deno.bench("object of 1 KiB: put in its place", { group: "object" }, () => {
  one.write({ actor: "n1~AAAAAAAAAAA", time: 2 }, value, undefined, undefined);
});

Deno.bench("object of 1 KiB: encode", { group: "object", baseline: true }, () => {
  encodeObject(one);
});

Deno.bench("object of 1 KiB: decode", { group: "object" }, () => {
  decodeObject(encoded);
});

Deno.bench("store request of 1 KiB: encode", { group: "message", baseline: true }, () => {
  encodeRequest(1, METHODS.store, 5_000, ["1-0123456789abcdef", 17, key, encoded]);
});

Deno.bench("store request of 1 KiB: decode", { group: "message" }, () => {
  decodeMessage(request);
});
