// Commands that walk over the keys of the whole cluster: SCAN, KEYS, DBSIZE.
//
// The cursor of SCAN is the partition to go on with, and each call returns whole partitions. So a
// cursor needs no memory anywhere, is good at every node, and a key that stays while a scan goes on is
// returned exactly once. A call ends after half a second between two partitions, with fewer keys than COUNT or none.

import { assert } from "../../base/assert.ts";
import { utf8 } from "../../base/bytes.ts";
import type { NodeApi, ScanPage, ScanPosition } from "../../node/api.ts";
import { LIMITS } from "../../wire/limits.ts";
import { TooLargeError } from "../../wire/errors.ts";
import { cursorArgument, integerArgument } from "./arguments.ts";
import { type Arguments, type Client, type Command, lowerWord, NO_KEYS } from "./command.ts";
import { syntaxError } from "./error_replies.ts";
import { compileGlob, type Glob } from "./glob.ts";
import { forEachKey } from "./many_keys.ts";
import { drawSome } from "./random_choice.ts";
import { ELEMENT_BYTES, RESP_LIMITS } from "./resp_limits.ts";
import { typeNameOf } from "./typed_values.ts";

export const SCAN_COMMANDS: readonly Command[] = [
  {
    name: "scan",
    arity: -2,
    run: scan,
    group: "generic",
    summary: "Walk over the keys, some partitions a call [MATCH pattern] [COUNT n] [TYPE type]",
    flags: ["readonly"],
    keys: NO_KEYS,
  },
  {
    name: "keys",
    arity: 2,
    run: matchingKeys,
    group: "generic",
    summary: "Get all keys that match a pattern; reads every partition",
    flags: ["readonly"],
    keys: NO_KEYS,
  },
  {
    name: "randomkey",
    arity: 1,
    run: randomKey,
    group: "generic",
    summary: "Get some key: from a partition at random, so not all are equally likely",
    flags: ["readonly"],
    keys: NO_KEYS,
  },
  {
    name: "dbsize",
    arity: 1,
    run: countKeys,
    group: "server",
    summary: "Count all keys; reads every partition",
    flags: ["readonly"],
    keys: NO_KEYS,
  },
];

const EVERYTHING = utf8("*");
const DEFAULT_COUNT = 10;
/** RANDOMKEY chooses among so many keys that lie together. */
const RANDOM_AMONG_COUNT = 100;

/** After so long a call of SCAN reads no further page, in milliseconds. */
const SCAN_MS = 500;

interface ScanArguments {
  readonly partition: number;
  readonly count: number;
  readonly glob: Glob;
  /** As TYPE names it; undefined for any. */
  readonly type: string | undefined;
}

async function scan({ api, reply }: Client, command: Arguments): Promise<void> {
  const { partition, count, glob, type } = scanArguments(command);
  const found: Uint8Array[] = [];
  let next: number | undefined = partition;
  const partitions = api.ring()?.partitions;
  if (partitions !== undefined && partition >= partitions) next = undefined;
  const restsAtMs = performance.now() + SCAN_MS;
  for (let seen = 0; next !== undefined && seen < count;) {
    const page: ScanPage = await api.scan({
      from: { partition: next },
      prefix: glob.prefix,
      limit: Math.min(count - seen, LIMITS.scanPageCount),
      wholePartitions: true,
    });
    const matching = page.keys.filter((key) => glob.matches(key));
    found.push(...await ofType(api, matching, type));
    seen += page.keys.length;
    assert(page.next?.after === undefined, "A page of whole partitions ends with one");
    next = page.next?.partition;
    // A page that ended early for any other reason than its limit is the whole answer of this call.
    if (page.keys.length === 0 || performance.now() >= restsAtMs) break;
  }
  reply.array(2);
  reply.text(String(next ?? 0));
  replyKeys(reply, found);
}

function scanArguments(command: Arguments): ScanArguments {
  const cursor = cursorArgument(command[1]!);

  let count = DEFAULT_COUNT;
  let pattern: Uint8Array = EVERYTHING;
  let type: string | undefined;
  for (let at = 2; at < command.length; at += 2) {
    const value = command[at + 1];
    if (value === undefined) throw syntaxError();
    switch (lowerWord(command[at]!)) {
      case "count":
        count = integerArgument(value);
        if (count < 1) throw syntaxError();
        break;
      case "match":
        pattern = value;
        break;
      case "type":
        type = lowerWord(value);
        break;
      default:
        throw syntaxError();
    }
  }
  return {
    // Beyond all partitions there is nothing.
    partition: Number(cursor),
    count: Math.min(count, RESP_LIMITS.scanCount),
    glob: compileGlob(pattern),
    type,
  };
}

/** Those keys whose values are of a type; all if it is undefined. */
async function ofType(
  api: NodeApi,
  keys: readonly Uint8Array[],
  type: string | undefined,
): Promise<readonly Uint8Array[]> {
  if (type === undefined) return keys;
  const types = await forEachKey(keys, "reads", async (key) => typeNameOf(await api.get(key)));
  return keys.filter((_key, i) => types[i] === type);
}

async function matchingKeys(client: Client, command: Arguments): Promise<void> {
  const { api, reply } = client;
  const glob = compileGlob(command[1]!);
  const found: Uint8Array[] = [];
  let sizeBytes = 0;
  await forEachPage(api, glob.prefix, (keys) => {
    for (const key of keys) {
      if (!glob.matches(key)) continue;
      found.push(key);
      client.gather(key.length + ELEMENT_BYTES);
      sizeBytes += key.length + 16;
      if (sizeBytes > RESP_LIMITS.reply) {
        throw new TooLargeError("The reply of KEYS (use SCAN)", RESP_LIMITS.reply, sizeBytes);
      }
    }
  });
  replyKeys(reply, found);
}

/** From where the walk begins it goes around once, until it finds keys. */
async function randomKey({ api, reply }: Client): Promise<void> {
  const partitions = api.ring()?.partitions ?? 1;
  const start = Math.floor(Math.random() * partitions);
  for (const partition of [start, 0]) {
    let from: ScanPosition | undefined = { partition };
    while (from !== undefined) {
      const page: ScanPage = await api.scan({ from, limit: RANDOM_AMONG_COUNT });
      if (page.keys.length > 0) return reply.bulkOrNull(drawSome(page.keys, 1)[0]);
      from = page.next;
    }
  }
  reply.null();
}

async function countKeys({ api, reply }: Client): Promise<void> {
  let count = 0;
  await forEachPage(api, undefined, (keys) => count += keys.length);
  reply.integer(count);
}

async function forEachPage(
  api: NodeApi,
  prefix: Uint8Array | undefined,
  visit: (keys: readonly Uint8Array[]) => void,
): Promise<void> {
  let from: ScanPosition | undefined = { partition: 0 };
  while (from !== undefined) {
    const page: ScanPage = await api.scan({ from, prefix, limit: LIMITS.scanPageCount });
    visit(page.keys);
    from = page.next;
  }
}

function replyKeys(reply: Client["reply"], keys: readonly Uint8Array[]): void {
  reply.array(keys.length);
  for (const key of keys) reply.bulk(key);
}
