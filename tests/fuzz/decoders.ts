// Every decoder of what comes from a disk, a peer or a client, with samples of what it reads.
//
// decoders_test.ts feeds all of them with damaged samples, and so may whoever fuzzes a node from outside.

import { ByteWriter } from "../../src/base/byte_writer.ts";
import type { SeededRandom } from "../../src/base/seeded_random.ts";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { contextOf, encodeContext } from "../../src/causality/context.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { keyFromParts, partsFromKey } from "../../src/base/kv_key.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  decodeClientAnswer,
  decodeClientRequest,
  encodeClientRequest,
} from "../../src/coordinator/requests.ts";
import { canonical } from "../../src/crdt/document_update.ts";
import { counter } from "../../src/crdt/counter.ts";
import type { DataType } from "../../src/crdt/contract.ts";
import { decodeObject, encodeObject } from "../../src/crdt/object_codec.ts";
import { decodeDelta, deltaBetween, encodeDelta } from "../../src/crdt/object_delta.ts";
import { decodeOperation, encodeOperation } from "../../src/crdt/operation_codec.ts";
import { changedParts, encodeHead, joinParts, type Part } from "../../src/crdt/parts.ts";
import { set } from "../../src/crdt/set.ts";
import { values } from "../../src/crdt/values.ts";
import { jsonOfMsgpack } from "../../src/doors/msgpack_json.ts";
import { cursorOf, positionOf } from "../../src/doors/http/scan_cursor.ts";
import { valueOf } from "../../src/client/keys_and_values.ts";
import {
  decodeHeartbeat,
  encodeHeartbeat,
  HEARTBEAT_LIMITS,
} from "../../src/membership/heartbeat.ts";
import { INCARNATION_MAX } from "../../src/membership/incarnation_step.ts";
import { readFilling, writeFilling } from "../../src/replica/filling_record.ts";
import { readFloors, writeFloors } from "../../src/replica/floors.ts";
import { NamespaceTable } from "../../src/replica/namespace_table.ts";
import { decodeLayout, encodeLayout } from "../../src/ring/layout_codec.ts";
import { planLayout } from "../../src/ring/planner.ts";
import { type JournalChange, readChanges, writeChange } from "../../src/storage/journal_format.ts";
import { Arguments } from "../../src/wire/arguments.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import {
  decodeMessage,
  encodeAnswer,
  encodeFailure,
  encodeRequest,
  type Method,
  METHODS,
} from "../../src/wire/message_codec.ts";
import { UPDATES } from "../crdt/document_twin.ts";
import { DOOR_DECODERS } from "./door_decoders.ts";
import { NODE_DECODERS } from "./node_decoders.ts";
import { below, edgeNumber, oneOf, sampleObjects, sampleOperation } from "./sample_objects.ts";

export interface DecoderUnderTest {
  readonly name: string;
  /** Bytes that it reads. */
  encodeSample(random: SeededRandom): Uint8Array;
  /**
   * Reads bytes. Returns the bytes of what it has read, where a thing has one encoding only; else undefined.
   *
   * @throws {MalformedError} or a {@linkcode DenamoError} without effect
   */
  decode(bytes: Uint8Array<ArrayBuffer>): Uint8Array | undefined;
}

const METHOD_NUMBERS = Object.values(METHODS) as Method[];

function stateCodec(name: string, type: DataType<never, never, unknown>): DecoderUnderTest[] {
  const any = type as unknown as DataType<unknown, unknown, unknown>;
  const empty = any.encode(any.empty);
  return [
    {
      name: `${name}: a state`,
      encodeSample: (random) => concatFirst(empty, random.bytes(below(random, 60))),
      decode: (bytes) => any.encode(any.decode(bytes)),
    },
    {
      name: `${name}: a delta`,
      encodeSample: (random) => concatFirst(empty, random.bytes(below(random, 60))),
      decode: (bytes) => any.encodeDelta(any.decodeDelta(bytes)),
    },
  ];
}

/** The version and the type that stand before a state, with other bytes behind them. */
function concatFirst(encoded: Uint8Array, rest: Uint8Array): Uint8Array {
  return new Uint8Array([...encoded.subarray(0, 2), ...rest]);
}

/** A message value of a few levels. */
function argument(random: SeededRandom, depth = 0): unknown {
  const kinds = [
    () => edgeNumber(random),
    () => -edgeNumber(random),
    () => oneOf(random, [null, true, false, 1.5]),
    () => oneOf(random, ["", "n1", "ä", "x".repeat(300)]),
    () => random.bytes(below(random, 300)),
    () => Array.from({ length: below(random, 5) }, () => argument(random, depth + 1)),
  ];
  return kinds[below(random, depth < 3 ? kinds.length : kinds.length - 1)]!();
}

function sampleMessage(random: SeededRandom): Uint8Array {
  const id = edgeNumber(random);
  const list = Array.from({ length: below(random, 6) }, () => argument(random));
  switch (below(random, 3)) {
    case 0:
      return encodeRequest(id, oneOf(random, METHOD_NUMBERS), below(random, 60_000), list).slice();
    case 1:
      return encodeAnswer(id, list).slice();
    default: {
      const details = {
        needed: edgeNumber(random),
        causes: ["n2 timed out"],
        layout: random.bytes(9),
      };
      return encodeFailure(id, new DenamoError("quorum", "no", "Cannot", details)).slice();
    }
  }
}

function sampleRequest(random: SeededRandom): unknown[] {
  const key = random.bytes(1 + below(random, 9));
  const asked = { key, level: oneOf(random, [undefined, 2, "all" as const]), strict: undefined };
  const vector = new Map([["n1~a", Math.min(edgeNumber(random), MAX_TIME)]]);
  const context = oneOf(random, [undefined, contextOf(vector)]);
  return encodeClientRequest(oneOf(random, [
    { op: "get", ...asked, atLeast: context === undefined ? [] : [context] },
    { op: "delete", ...asked, context },
    { op: "expire", ...asked, expiresAtMs: Math.max(1, edgeNumber(random)) },
    { op: "update", ...asked, context, operations: [sampleOperation(random)] },
    {
      ...{ op: "put", ...asked, context, expiresAtMs: undefined, keepExpiry: false },
      value: { kind: "text" as const, bytes: random.bytes(5) },
    },
  ]));
}

function sampleChange(random: SeededRandom): JournalChange {
  const part = (name: number) => ({
    name: Uint8Array.of(name, below(random, 3)),
    body: oneOf(random, [undefined, random.bytes(5)]),
    piecesBefore: below(random, 13),
  });
  const parts = new Map([1, 2].map(part).map((it) => [String.fromCharCode(...it.name), it]));
  return {
    place: { table: "object", partition: below(random, 65_536), key: random.bytes(4) },
    body: oneOf(random, [undefined, random.bytes(20)]),
    isApart: below(random, 2) === 0,
    parts: below(random, 2) === 0 ? undefined : parts,
    clearsParts: below(random, 2) === 0,
    piecesBefore: below(random, 13),
  };
}

/** A head behind its length, and each of its parts behind its name and its own. */
function sampleParts(random: SeededRandom): Uint8Array {
  const [, object] = sampleObjects(random);
  const writer = new ByteWriter();
  writer.bytes(encodeHead(object));
  for (const { body, name } of changedParts(undefined, object)) {
    writer.bytes(name);
    writer.bytes(body!);
  }
  return writer.finish();
}

function sampleTable(random: SeededRandom): NamespaceTable {
  let table = NamespaceTable.empty;
  for (let i = below(random, 6); i > 0; i--) {
    const settings = oneOf(random, [undefined, { n: 2 }, { w: "all" as const, ttlMs: 5 }]);
    const prefix = oneOf(random, ["a", "b", "ü:", "\u{1f600}"]);
    table = table.with(prefix, settings, table.timeBelow(prefix) + 1 + below(random, 9), "n1");
  }
  return table;
}

function sampleHeartbeat(random: SeededRandom): Uint8Array {
  return encodeHeartbeat({
    ...{ node: "n1", peerId: "12D3KooW", intervalMs: 500 },
    incarnation: Math.min(edgeNumber(random), INCARNATION_MAX),
    sequence: Math.min(edgeNumber(random), HEARTBEAT_LIMITS.sequenceMax),
    timeMs: Math.min(edgeNumber(random), HEARTBEAT_LIMITS.timeMsMax),
    addresses: oneOf(random, [[], ["/ip4/127.0.0.1/tcp/1/p2p/12D3KooW", "/dns/a/tcp/1"]]),
    ...{ http: "127.0.0.1:1", resp: undefined, zone: "dc/rack", weight: 1.5 },
    ...{ layoutVersion: 1, layoutId: "1-00", namespaces: undefined, layoutSynced: 1 },
    ...{ layoutAcknowledged: 1, load: 3, disk: "ok" as const, isReady: true },
  });
}

const MEMBERS = ["n1", "n2", "n3", "n4"].map((node) => ({ node, zone: `dc/${node}`, weight: 1 }));

const LAYOUTS = MEMBERS.map((_, i) => {
  const members = MEMBERS.slice(0, i + 1);
  return encodeLayout(planLayout({ version: i + 1, members, partitions: 256, replication: 3 }));
});

export const DECODERS: readonly DecoderUnderTest[] = [
  {
    name: "a message",
    encodeSample: sampleMessage,
    decode(bytes) {
      decodeMessage(bytes);
      return undefined;
    },
  },
  {
    name: "a client request in a message",
    encodeSample: (random) => encodeAnswer(1, sampleRequest(random)).slice(),
    decode(bytes) {
      const message = decodeMessage(bytes);
      if (message.kind !== "answer") return undefined;
      decodeClientRequest(new Arguments(message.result, "client request"));
      return undefined;
    },
  },
  {
    name: "a client answer in a message",
    encodeSample(random) {
      const [, object] = sampleObjects(random);
      const context = encodeContext(contextOf(object.vector()));
      const parts = [object.encoded(), 1, context, true, true, 5, 7, [[1, "-12"]]];
      return encodeAnswer(1, parts).slice();
    },
    decode(bytes) {
      const message = decodeMessage(bytes);
      if (message.kind !== "answer") return undefined;
      decodeClientAnswer(message.result);
      return undefined;
    },
  },
  {
    name: "an object",
    encodeSample: (random) => sampleObjects(random)[1].encoded(),
    decode: (bytes) => encodeObject(decodeObject(bytes)),
  },
  {
    name: "a change of an object",
    encodeSample(random) {
      for (;;) {
        const [before, after] = sampleObjects(random);
        const delta = deltaBetween(before, after);
        if (delta !== undefined) return encodeDelta(delta);
      }
    },
    decode: (bytes) => encodeDelta(decodeDelta(bytes)),
  },
  {
    name: "an object in parts",
    encodeSample: sampleParts,
    decode(bytes) {
      joinSample(bytes);
      return undefined;
    },
  },
  ...stateCodec("a counter", counter as never),
  ...stateCodec("a set", set as never),
  ...stateCodec("values", values as never),
  {
    name: "an operation",
    encodeSample: (random) => encodeOperation(sampleOperation(random)),
    decode: (bytes) => encodeOperation(decodeOperation(bytes)),
  },
  {
    name: "an update of a document",
    encodeSample: (random) => canonical(oneOf(random, UPDATES)),
    decode(bytes) {
      canonical(bytes);
      return undefined;
    },
  },
  {
    name: "a table of namespaces",
    encodeSample: (random) => sampleTable(random).encoded(),
    decode: (bytes) => NamespaceTable.decode(bytes).encoded(),
  },
  {
    name: "a layout",
    encodeSample: (random) => oneOf(random, LAYOUTS),
    decode: (bytes) => encodeLayout(decodeLayout(bytes)),
  },
  {
    name: "a heartbeat",
    encodeSample: sampleHeartbeat,
    decode(bytes) {
      // What follows the fields that are known is passed over, so other bytes may mean the same.
      encodeHeartbeat(decodeHeartbeat(bytes));
      return undefined;
    },
  },
  {
    name: "floors",
    encodeSample: (random) =>
      writeFloors({
        settings: oneOf(random, ["", "digest"]),
        ...{ promised: below(random, 1_000), missed: 5, emptied: 3 },
        leftOut: new Map([["n2", below(random, 9)]]),
        marks: new Map([[below(random, 99), { floor: 1, fence: 1 + below(random, 9) }]]),
      }),
    decode: (bytes) => writeFloors(readFloors(bytes)),
  },
  {
    name: "how far filling has come",
    encodeSample: (random) =>
      writeFilling({
        copies: new Map([["", 0], ["cart:", 1 + below(random, 5)]]),
        isAll: below(random, 2) === 0,
        gaps: new Map([
          [below(random, 9), { sources: new Set([3]), compared: new Set(["n1", "n2"]) }],
          [100, { sources: new Set(), compared: new Set(["n2"]) }],
        ]),
      }),
    decode(bytes) {
      readFilling(bytes);
      return undefined;
    },
  },
  {
    name: "an entry of the journal",
    encodeSample(random) {
      const writer = new ByteWriter();
      for (let i = 1 + below(random, 3); i > 0; i--) writeChange(writer, sampleChange(random));
      return writer.finish();
    },
    decode(bytes) {
      const writer = new ByteWriter();
      for (const change of readChanges(bytes)) writeChange(writer, change);
      return writer.finish();
    },
  },
  {
    name: "a cursor",
    encodeSample: (random) =>
      utf8(cursorOf({
        partition: edgeNumber(random),
        after: oneOf(random, [undefined, random.bytes(5)]),
      })),
    decode(bytes) {
      const position = positionOf(utf8Text(bytes));
      if (position === undefined) throw new MalformedError("cursor", "it is none");
      return undefined;
    },
  },
  {
    name: "a key of several parts",
    encodeSample: (random) => keyFromParts(["a", edgeNumber(random), random.bytes(3), true, 7n]),
    decode(bytes) {
      const parts = partsFromKey(bytes);
      if (parts === undefined) throw new MalformedError("key", "it is none of several parts");
      return keyFromParts(parts);
    },
  },
  {
    name: "a MessagePack value as JSON",
    encodeSample: sampleMessage,
    decode(bytes) {
      jsonOfMsgpack(bytes);
      return undefined;
    },
  },
  {
    name: "a MessagePack value as a program has it",
    encodeSample: sampleMessage,
    decode(bytes) {
      valueOf({ kind: "msgpack", bytes });
      return undefined;
    },
  },
  ...NODE_DECODERS,
  ...DOOR_DECODERS,
];

/** The inverse of {@linkcode sampleParts}. */
function joinSample(bytes: Uint8Array<ArrayBuffer>): void {
  const parts: Part[] = [];
  let at = 0;
  const next = (): Uint8Array<ArrayBuffer> => {
    let length = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new MalformedError("sample", "it ends too early");
      length += (byte & 127) * factor;
      if (byte < 128) break;
    }
    if (length > bytes.length - at) throw new MalformedError("sample", "it ends too early");
    at += length;
    return bytes.slice(at - length, at);
  };
  const head = next();
  while (at < bytes.length) parts.push({ name: next(), body: next() });
  const object = joinParts(head, parts);
  encodeObject(object);
}
