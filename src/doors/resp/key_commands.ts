// Commands for keys, whatever their values: DEL, EXISTS, TYPE and times to live.

import { binaryString } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import { ownBytes } from "./arguments.ts";
import {
  ALL_KEYS,
  type Arguments,
  type Client,
  type Command,
  type CommandFlag,
  type KeyPositions,
  ONE_KEY,
  type Run,
} from "./command.ts";
import { expireCondition } from "./expire_options.ts";
import {
  expiryTimeMs,
  type ExpiryUnit,
  MILLISECONDS,
  SECONDS,
  UNIX_MILLISECONDS,
  UNIX_SECONDS,
} from "./expiry.ts";
import { forEachKey } from "./many_keys.ts";
import { typeNameOf } from "./typed_values.ts";

export const KEY_COMMANDS: readonly Command[] = [
  key("del", -2, deleteKeys, "Delete keys, one by one: not atomic", ["write"], ALL_KEYS),
  key("unlink", -2, deleteKeys, "Delete keys, one by one: not atomic", ["write", "fast"], ALL_KEYS),
  key("exists", -2, countExisting, "Count which keys exist", ["readonly", "fast"], ALL_KEYS),
  key("touch", -2, countExisting, "Count which keys exist", ["readonly", "fast"], ALL_KEYS),
  key("type", 2, typeOfKey, "Get the type of the value of a key", ["readonly", "fast"]),
  key("ttl", 2, restIn(1000), "Get the time to live of a key in seconds", ["readonly", "fast"]),
  key("pttl", 2, restIn(1), "Get the time to live of a key in ms", ["readonly", "fast"]),
  key("expiretime", 2, endIn(1000), "Get when a key ends, Unix time in s", ["readonly", "fast"]),
  key("pexpiretime", 2, endIn(1), "Get when a key ends, Unix time in ms", ["readonly", "fast"]),
  key("expire", -3, setExpiry(SECONDS, "expire"), "Set the time to live in seconds"),
  key("pexpire", -3, setExpiry(MILLISECONDS, "pexpire"), "Set the time to live in milliseconds"),
  key("expireat", -3, setExpiry(UNIX_SECONDS, "expireat"), "Set when a key ends, Unix time in s"),
  key(
    "pexpireat",
    -3,
    setExpiry(UNIX_MILLISECONDS, "pexpireat"),
    "Set when a key ends, Unix time in ms",
  ),
  key("persist", 2, persist, "Take the time to live from a key"),
];

function key(
  name: string,
  arity: number,
  run: Run,
  summary: string,
  flags: readonly CommandFlag[] = ["write", "fast"],
  keys: KeyPositions = ONE_KEY,
): Command {
  return { name, arity, run, group: "generic", summary, flags, keys };
}

async function deleteKeys({ api, reply }: Client, command: Arguments): Promise<void> {
  // A key that is named twice exists once.
  const keys = new Map(command.slice(1).map((key) => [binaryString(key), key]));
  const existed = await forEachKey([...keys.values()], "writes", (key) => {
    return deleteIfThere(api, ownBytes(key));
  });
  reply.integer(existed.filter(Boolean).length);
}

/** Deletes what a read has seen, so that an absent key costs no write and leaves no tombstone. */
async function deleteIfThere(api: NodeApi, key: Uint8Array): Promise<boolean> {
  const read = await api.get(key);
  if (!read.exists) return false;
  await api.delete(key, { context: read.context() });
  return true;
}

async function countExisting({ api, reply }: Client, command: Arguments): Promise<void> {
  const found = await forEachKey(command.slice(1), "reads", async (key) => {
    return (await api.get(ownBytes(key))).exists;
  });
  reply.integer(found.filter(Boolean).length);
}

async function typeOfKey({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.simple(typeNameOf(await api.get(ownBytes(command[1]!))));
}

const NO_KEY = -2;
const NO_EXPIRY = -1;

function restIn(unitMs: 1 | 1000): Run {
  return async ({ api, reply }, command) => {
    const { exists, expiresAtMs } = await api.get(ownBytes(command[1]!));
    if (!exists) return reply.integer(NO_KEY);
    if (expiresAtMs === undefined) return reply.integer(NO_EXPIRY);
    reply.integer(rounded(Math.max(0, expiresAtMs - api.nowMs()), unitMs));
  };
}

function endIn(unitMs: 1 | 1000): Run {
  return async ({ api, reply }, command) => {
    const { exists, expiresAtMs } = await api.get(ownBytes(command[1]!));
    if (!exists) return reply.integer(NO_KEY);
    reply.integer(expiresAtMs === undefined ? NO_EXPIRY : rounded(expiresAtMs, unitMs));
  };
}

/** Rounds to the nearest second, as Redis does. */
function rounded(timeMs: number, unitMs: 1 | 1000): number {
  return unitMs === 1 ? Math.trunc(timeMs) : Math.floor((timeMs + 500) / 1000);
}

function setExpiry(unit: ExpiryUnit, name: string): Run {
  return async ({ api, reply }, command) => {
    const isAllowed = expireCondition(command);
    const key = ownBytes(command[1]!);
    const nowMs = api.nowMs();
    const expiresAtMs = expiryTimeMs(command[2]!, unit, nowMs, name);
    if (isAllowed !== undefined) {
      const read = await api.get(key);
      if (!read.exists || !isAllowed(read.expiresAtMs, expiresAtMs)) return reply.integer(0);
    }
    const isPast = expiresAtMs <= nowMs;
    const existed = isPast
      ? await deleteIfThere(api, key)
      : (await api.expire(key, expiresAtMs)).existed;
    reply.integer(existed ? 1 : 0);
  };
}

async function persist({ api, reply }: Client, command: Arguments): Promise<void> {
  const { expiredAtMs } = await api.expire(ownBytes(command[1]!), undefined);
  reply.integer(expiredAtMs === undefined ? 0 : 1);
}
