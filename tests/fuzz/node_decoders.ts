// Decoders of the notes that a node leaves on its disk beside the data, and of the first words of peers.

import { fromBase64Url, toBase64Url, utf8 } from "../../src/base/bytes.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import type { SeededRandom } from "../../src/base/seeded_random.ts";
import { contextOf, decodeContext, encodeContext } from "../../src/causality/context.ts";
import {
  contextIn,
  openAtLeast,
  sealAtLeast,
  sealContext,
} from "../../src/causality/context_token.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { SealKey, SealKeys, SECRET_BYTES } from "../../src/causality/seal_key.ts";
import { clusterNoteIn } from "../../src/host/cluster_note.ts";
import { parseFormat } from "../../src/host/data_directory.ts";
import { FrameReader, FrameWriter } from "../../src/host/frames.ts";
import {
  decodeGreetingFrame,
  encodeAccept,
  encodeHello,
  encodeRefusal,
} from "../../src/host/greeting.ts";
import { readRun } from "../../src/host/identity_watch.ts";
import { earlierIn } from "../../src/host/run_note.ts";
import { zstd } from "../../src/host/zstd.ts";
import { readGreeting } from "../../src/node/admission.ts";
import { formerIn } from "../../src/node/incarnations.ts";
import { readPromises } from "../../src/node/layout_store.ts";
import { readPeers } from "../../src/node/peer_book.ts";
import {
  hintsAnswer,
  readHints,
  readRepair,
  repairAnswer,
} from "../../src/node/repair_messages.ts";
import { setAsideIn } from "../../src/node/set_aside_copies.ts";
import { NamespaceTable } from "../../src/replica/namespace_table.ts";
import { decodeHead, encodeRecord, uncompressed } from "../../src/storage/record.ts";
import { decodeMessage, encodeAnswer } from "../../src/wire/message_codec.ts";
import type { DecoderUnderTest } from "./decoders.ts";
import { below, edgeNumber, oneOf } from "./sample_objects.ts";

const KEY = utf8("a key");
const PLACE = { table: "object", partition: 7, key: KEY } as const;
const SEAL = new SealKey("n1", new Uint8Array(SECRET_BYTES).fill(7));
const PEER = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

const NAMES = ["n1", "n2", "\u{1f600}"];

export const NODE_DECODERS: readonly DecoderUnderTest[] = [
  {
    name: "a context",
    encodeSample: (random) => encodeContext(sampleContext(random)),
    decode: (bytes) => encodeContext(decodeContext(bytes)),
  },
  {
    name: "a sealed context",
    encodeSample(random) {
      const seal = oneOf(random, [sealContext, sealAtLeast]);
      return fromBase64Url(seal(KEY, sampleContext(random), SEAL))!;
    },
    decode(bytes) {
      openAtLeast(KEY, toBase64Url(bytes), (id) => id === SEAL.id ? SEAL : undefined);
      return undefined;
    },
  },
  {
    name: "a sealed context as its owner reads it",
    encodeSample: (random) => utf8(sealContext(KEY, sampleContext(random), SEAL)),
    decode(bytes) {
      contextIn(KEY, new TextDecoder().decode(bytes));
      return undefined;
    },
  },
  {
    name: "the keys that contexts are sealed with",
    encodeSample: (random) => sampleSealKeys(random).encoded(),
    decode: (bytes) => SealKeys.decode(bytes).encoded(),
  },
  {
    name: "a table of namespaces on a disk",
    encodeSample: () => NamespaceTable.empty.with("a", { n: 2 }, 5, "n1").encoded(),
    decode: (bytes) => NamespaceTable.restore(bytes).encoded(),
  },
  {
    name: "the first frames of peers",
    encodeSample: sampleGreetingFrame,
    decode(bytes) {
      decodeGreetingFrame(bytes);
      return undefined;
    },
  },
  {
    name: "what a node greets with",
    encodeSample: (random) =>
      written((writer) => {
        writer.text("digest");
        writer.text(oneOf(random, NAMES));
        writer.integer(edgeNumber(random));
        writer.raw(random.bytes(below(random, 20)));
      }),
    decode(bytes) {
      const { digest, emptied, heartbeat, node } = readGreeting(bytes);
      return written((writer) => {
        writer.text(digest);
        writer.text(node);
        writer.integer(emptied);
        writer.raw(heartbeat);
      });
    },
  },
  {
    name: "a sign of life",
    encodeSample: (random) =>
      written((writer) => {
        writer.text(oneOf(random, NAMES));
        writer.integer(edgeNumber(random));
      }),
    decode(bytes) {
      readRun(bytes);
      return undefined;
    },
  },
  {
    name: "frames in a stream",
    encodeSample(random) {
      const frames = new FrameWriter();
      for (let i = 1 + below(random, 3); i > 0; i--) frames.add(random.bytes(below(random, 40)));
      return frames.take()!;
    },
    decode(bytes) {
      const reader = new FrameReader(1_000, () => true);
      const at = bytes.length >> 1;
      reader.read(bytes.subarray(0, at));
      reader.read(bytes.subarray(at));
      return undefined;
    },
  },
  {
    name: "which first layouts a node has promised to take",
    encodeSample: (random) => written((writer) => texts(writer, random, 1)),
    decode(bytes) {
      const promised = readPromises(bytes);
      return written((writer) => {
        writer.byte(1);
        writer.integer(promised.length);
        for (const text of promised) writer.text(text);
      });
    },
  },
  {
    name: "members and their peers",
    encodeSample: (random) =>
      written((writer) => {
        const names = NAMES.slice(0, below(random, 4));
        writer.byte(1);
        writer.integer(names.length);
        for (const name of names) {
          writer.text(name);
          writer.text(PEER);
          const addresses = below(random, 3);
          writer.integer(addresses);
          for (let i = 0; i < addresses; i++) writer.text("/ip4/127.0.0.1/tcp/1");
        }
      }),
    decode(bytes) {
      readPeers(bytes);
      return undefined;
    },
  },
  {
    name: "for which time copies were set aside",
    encodeSample: (random) =>
      written((writer) => {
        writer.byte(1);
        writer.integer(edgeNumber(random));
      }),
    decode(bytes) {
      setAsideIn(bytes);
      return undefined;
    },
  },
  {
    name: "the incarnation of the run before",
    encodeSample: (random) => written((writer) => writer.integer(1 + below(random, 1_000_000))),
    decode: (bytes) => refusedIf(formerIn(bytes) === 0, "incarnation"),
  },
  {
    name: "what is noted of the cluster",
    encodeSample: (random) =>
      utf8(JSON.stringify({
        version: 1,
        ...{ layoutVersion: edgeNumber(random), replication: 3, members: NAMES },
      })),
    decode: (bytes) => refusedIf(clusterNoteIn(bytes) === undefined, "cluster note"),
  },
  {
    name: "how the run before ended",
    encodeSample: (random) =>
      utf8(JSON.stringify({ version: 1, uncheckedEnds: 1 + below(random, 9), suspicions: 1 })),
    decode: (bytes) => refusedIf(earlierIn(bytes).uncheckedEnds === 1, "run note"),
  },
  {
    name: "the format of a data directory",
    encodeSample: (random) =>
      utf8(JSON.stringify({ version: 1 + below(random, 9), name: "n1", cluster: "c" })),
    decode(bytes) {
      parseFormat("/data", bytes);
      return undefined;
    },
  },
  {
    name: "a record",
    encodeSample(random) {
      const whole = random.bytes(below(random, 300));
      return encodeRecord(PLACE, whole, oneOf(random, [30, 1_000])).head;
    },
    decode: readRecord,
  },
  {
    name: "a compressed record",
    encodeSample(random) {
      const whole = new Uint8Array(2_000 + below(random, 1_000)).fill(below(random, 256));
      return encodeRecord(PLACE, whole, 100_000, false, zstd).head;
    },
    decode: readRecord,
  },
  {
    name: "what operators are told of hints",
    encodeSample: (random) =>
      encodeAnswer(
        1,
        hintsAnswer({
          ...{ isComplete: true, limitBytes: edgeNumber(random), keys: 1, bytes: 5 },
          oldestAgeMs: oneOf(random, [undefined, 7]),
          owners: [{ node: "n2", keys: below(random, 9), bytes: 3 }],
          tooLongAway: oneOf(random, [[], ["n3"]]),
        }),
      ).slice(),
    decode: answerDecoder(readHints),
  },
  {
    name: "what operators are told of a repair",
    encodeSample: (random) =>
      encodeAnswer(
        1,
        repairAnswer([{
          ...{ node: "n2", partitions: below(random, 99), differing: [1, 2] },
          ...{ error: oneOf(random, [undefined, "it timed out"]), repaired: 1 },
        }]),
      ).slice(),
    decode: answerDecoder(readRepair),
  },
];

function sampleContext(random: SeededRandom) {
  const actors = ["n1~AAAAAAAAAAA", "n2~AAAAAAAAAAA"].slice(0, 1 + below(random, 2));
  const time = () => Math.max(1, Math.min(edgeNumber(random), MAX_TIME));
  return contextOf(new Map(actors.map((actor) => [actor, time()])));
}

function sampleSealKeys(random: SeededRandom): SealKeys {
  return NAMES.slice(0, 1 + below(random, 3)).reduce(
    (keys, maker) => keys.with(SealKeys.of(new SealKey(maker, random.bytes(SECRET_BYTES)))),
    SealKeys.none,
  );
}

function sampleGreetingFrame(random: SeededRandom): Uint8Array {
  const hello = {
    ...{ cluster: "denamo", instance: "i", startedMs: edgeNumber(random) },
    ...{ number: edgeNumber(random), holds: 0, greeting: random.bytes(below(random, 30)) },
  };
  const details = { upTo: edgeNumber(random), address: "/ip4/127.0.0.1/tcp/1" };
  const refusal = { code: "left_behind", message: "It was left behind", details };
  return oneOf(random, [
    encodeAccept(),
    encodeHello(hello),
    encodeRefusal(refusal),
    encodeRefusal(refusal, hello),
  ]);
}

function texts(writer: ByteWriter, random: SeededRandom, format: number): void {
  const list = NAMES.slice(0, below(random, 4));
  writer.byte(format);
  writer.integer(list.length);
  for (const text of list) writer.text(text);
}

function answerDecoder(read: (answer: readonly unknown[]) => unknown) {
  return (bytes: Uint8Array<ArrayBuffer>): undefined => {
    const message = decodeMessage(bytes);
    if (message.kind !== "answer") throw new MalformedError("answer", "it is none");
    read(message.result);
  };
}

function written(write: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  write(writer);
  return writer.finish();
}

/** For readers that say in a value of their own that there is nothing to be read. */
function refusedIf(isRefused: boolean, where: string): undefined {
  if (isRefused) throw new MalformedError(where, "nothing can be read");
}

/** Reads a record as a disk gives it: nothing is taken apart whose checksum is wrong. */
function readRecord(bytes: Uint8Array): undefined {
  const head = decodeHead(PLACE, bytes);
  if ("body" in head && head.isCompressed) uncompressed(PLACE, head.body, zstd);
}
