// GET, SET and their kin.

import { binaryString, EMPTY } from "../../base/bytes.ts";
import type { PutOptions } from "../../node/api.ts";
import { DenamoError, TooLargeError } from "../../wire/errors.ts";
import { integerArgument, ownBytes } from "./arguments.ts";
import {
  ALL_KEYS,
  type Arguments,
  type Client,
  type Command,
  lowerWord,
  ONE_KEY,
} from "./command.ts";
import { syntaxError, wrongArity } from "./error_replies.ts";
import {
  expiryOption,
  type ExpiryUnit,
  MILLISECONDS,
  positiveExpiryTimeMs,
  SECONDS,
} from "./expiry.ts";
import { forEachKey } from "./many_keys.ts";
import { RESP_LIMITS } from "./resp_limits.ts";
import { stringIn } from "./typed_values.ts";
import { shownAmongOthers } from "./values.ts";

export const STRING_COMMANDS: readonly Command[] = [
  {
    name: "get",
    arity: 2,
    run: get,
    group: "string",
    summary: "Get the value of a key",
    flags: ["readonly", "fast"],
    keys: ONE_KEY,
  },
  {
    name: "set",
    arity: -3,
    run: set,
    group: "string",
    summary: "Set the value of a key [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]",
    flags: ["write"],
    keys: ONE_KEY,
  },
  {
    name: "setex",
    arity: 4,
    run: (client, command) => setWithTime(client, command, SECONDS, "setex"),
    group: "string",
    summary: "Set the value of a key and its time to live in seconds",
    flags: ["write"],
    keys: ONE_KEY,
  },
  {
    name: "psetex",
    arity: 4,
    run: (client, command) => setWithTime(client, command, MILLISECONDS, "psetex"),
    group: "string",
    summary: "Set the value of a key and its time to live in milliseconds",
    flags: ["write"],
    keys: ONE_KEY,
  },
  {
    name: "mget",
    arity: -2,
    run: getMany,
    group: "string",
    summary: "Get the values of several keys",
    flags: ["readonly", "fast"],
    keys: ALL_KEYS,
  },
  {
    name: "mset",
    arity: -3,
    run: setMany,
    group: "string",
    summary: "Set several keys, one by one: not atomic",
    flags: ["write"],
    keys: [1, -1, 2],
  },
  {
    name: "strlen",
    arity: 2,
    run: valueLength,
    group: "string",
    summary: "Get the length of the value of a key in bytes",
    flags: ["readonly", "fast"],
    keys: ONE_KEY,
  },
  {
    name: "getrange",
    arity: 4,
    run: getRange,
    group: "string",
    summary: "Get the bytes of a value from a start to an end, both included",
    flags: ["readonly"],
    keys: ONE_KEY,
  },
  {
    name: "substr",
    arity: 4,
    run: getRange,
    group: "string",
    summary: "The same as GETRANGE",
    flags: ["readonly"],
    keys: ONE_KEY,
  },
];

async function get({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.bulkOrNull(stringIn(await api.get(ownBytes(command[1]!))));
}

async function set({ api, reply }: Client, command: Arguments): Promise<void> {
  const options = command.length === 3 ? undefined : setOptions(command, api.nowMs());
  await api.put(
    ownBytes(command[1]!),
    { kind: "bytes", bytes: ownBytes(command[2]!) },
    options,
  );
  reply.ok();
}

function setOptions(command: Arguments, nowMs: number): PutOptions {
  let options: PutOptions | undefined;
  let refused: string | undefined;
  for (let at = 3; at < command.length; at++) {
    const word = command[at]!;
    const unit = expiryOption(word);
    const lower = lowerWord(word);
    if (unit !== undefined && options === undefined && at + 1 < command.length) {
      options = { expiresAtMs: positiveExpiryTimeMs(command[++at]!, unit, nowMs, "set") };
    } else if (lower === "keepttl" && options === undefined) {
      options = { keepExpiry: true };
    } else if (lower === "nx" || lower === "xx" || lower === "get") {
      refused = lower.toUpperCase();
    } else {
      throw syntaxError();
    }
  }
  if (refused !== undefined) {
    throw new DenamoError(
      "unsupported",
      "no",
      `SET with ${refused} is not supported: it reads and then writes, which cannot be atomic ` +
        "without consensus",
    );
  }
  return options ?? {};
}

async function setWithTime(
  { api, reply }: Client,
  command: Arguments,
  unit: ExpiryUnit,
  name: string,
): Promise<void> {
  const expiresAtMs = positiveExpiryTimeMs(command[2]!, unit, api.nowMs(), name);
  await api.put(
    ownBytes(command[1]!),
    { kind: "bytes", bytes: ownBytes(command[3]!) },
    { expiresAtMs },
  );
  reply.ok();
}

async function getMany(client: Client, command: Arguments): Promise<void> {
  const { api, reply } = client;
  let sizeBytes = 0;
  const values = await forEachKey(command.slice(1), "reads", async (key) => {
    const read = await api.get(ownBytes(key));
    // What is no string is nothing here.
    const isOther = read.value === undefined && !read.merged.has("counter");
    const shown = isOther ? undefined : stringIn(read, shownAmongOthers);
    if (shown === undefined) return undefined;
    client.gather(shown.length);
    sizeBytes += shown.length;
    if (sizeBytes > RESP_LIMITS.reply) {
      throw new TooLargeError("The reply of MGET", RESP_LIMITS.reply, sizeBytes);
    }
    return shown;
  });
  reply.array(values.length);
  for (const value of values) reply.bulkOrNull(value);
}

async function setMany({ api, reply }: Client, command: Arguments): Promise<void> {
  if (command.length % 2 === 0) throw wrongArity("mset");
  // Of a key that is named twice only the last value counts.
  const pairs = new Map<string, readonly [key: Uint8Array, value: Uint8Array]>();
  for (let at = 1; at < command.length; at += 2) {
    pairs.set(binaryString(command[at]!), [command[at]!, command[at + 1]!]);
  }
  await forEachKey([...pairs.values()], "writes", ([key, value]) => {
    return api.put(ownBytes(key), { kind: "bytes", bytes: ownBytes(value) });
  });
  reply.ok();
}

async function valueLength({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.integer(stringIn(await api.get(ownBytes(command[1]!)))?.length ?? 0);
}

async function getRange({ api, reply }: Client, command: Arguments): Promise<void> {
  const start = integerArgument(command[2]!);
  const end = integerArgument(command[3]!);
  const bytes = stringIn(await api.get(ownBytes(command[1]!))) ?? EMPTY;
  const { length } = bytes;
  const from = start < 0 ? Math.max(0, length + start) : start;
  const to = end < 0 ? length + end : end;
  reply.bulk(bytes.subarray(Math.min(from, length), Math.max(from, to + 1)));
}
