// OBJECT: what Redis tells of the insides of a value, as far as it follows from the value.
//
// Redis decides by its history how a value lies in memory: a set that once had a word stays a table. Here the answer
// follows from what the value is, as Redis would keep it if it were written at once.

import type { ReadResult } from "../../node/api.ts";
import { DenamoError } from "../../wire/errors.ts";
import { ownBytes, wideIntegerOf } from "./arguments.ts";
import {
  type Arguments,
  type Client,
  type Command,
  runSubcommand,
  type Subcommands,
} from "./command.ts";
import { ReplyError } from "./error_replies.ts";
import { stringIn } from "./typed_values.ts";
import { shownAmongOthers } from "./values.ts";

const HELP = [
  "ENCODING <key>",
  "    Return the kind of internal representation used in order to store the value",
  "    associated with a <key>.",
  "FREQ <key>",
  "    Return the access frequency index of the <key>. The returned integer is",
  "    proportional to the logarithm of the recent access frequency of the key.",
  "IDLETIME <key>",
  "    Return the idle time of the <key>, that is the approximated number of",
  "    seconds elapsed since the last access to the key.",
  "REFCOUNT <key>",
  "    Return the number of references of the value associated with the specified",
  "    <key>.",
];

const SUBCOMMANDS: Subcommands = {
  encoding: { arity: 3, run: encoding },
  refcount: { arity: 3, run: references },
  freq: {
    arity: 3,
    run: ifThere(() => {
      return new ReplyError(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that " +
          "when switching between policies at runtime LRU and LFU data will take some time to adjust.",
      );
    }),
  },
  idletime: {
    arity: 3,
    run: ifThere(() => {
      const reason = "nodes do not remember when a key was read";
      return new DenamoError("unsupported", "no", `OBJECT IDLETIME is not supported: ${reason}`);
    }),
  },
};

export const OBJECT_COMMANDS: readonly Command[] = [
  {
    name: "object",
    arity: -2,
    run: runSubcommand("object", SUBCOMMANDS, HELP),
    group: "generic",
    summary: "Tell how Redis would keep a value: OBJECT ENCODING | REFCOUNT key",
    flags: ["readonly"],
    keys: [2, 2, 1],
  },
];

/** An error for keys that are there, nothing for others. */
function ifThere(error: () => Error) {
  return async ({ api, reply }: Client, command: Arguments): Promise<void> => {
    if ((await api.get(ownBytes(command[2]!))).exists) throw error();
    reply.null();
  };
}

async function encoding({ api, reply }: Client, command: Arguments): Promise<void> {
  const read = await api.get(ownBytes(command[2]!));
  if (read.exists) reply.text(encodingOf(read));
  else reply.null();
}

/** Numbers that Redis has once, however many keys hold them. */
const SHARED_BELOW = 10_000n;
const SHARED = 2 ** 31 - 1;

async function references({ api, reply }: Client, command: Arguments): Promise<void> {
  const read = await api.get(ownBytes(command[2]!));
  if (!read.exists) return reply.null();
  const number = isString(read) ? wideIntegerOf(stringIn(read, shownAmongOthers)!) : undefined;
  const isShared = number !== undefined && number >= 0n && number < SHARED_BELOW;
  reply.integer(isShared ? SHARED : 1);
}

function isString({ merged, value }: ReadResult): boolean {
  return value !== undefined || merged.has("counter");
}

/** As long as they are no longer than this, Redis keeps them in the least memory. */
const EMBEDDED_BYTES = 44;
const SMALL_COUNT = 512;
const SMALL_BYTES = 64;

function encodingOf(read: ReadResult): string {
  if (isString(read)) {
    const shown = stringIn(read, shownAmongOthers)!;
    if (wideIntegerOf(shown) !== undefined) return "int";
    return shown.length <= EMBEDDED_BYTES ? "embstr" : "raw";
  }
  if (read.merged.has("set")) {
    const elements = read.merged.valueOf("set") ?? [];
    const isSmall = elements.length <= SMALL_COUNT;
    return isSmall && elements.every((it) => wideIntegerOf(it) !== undefined)
      ? "intset"
      : "hashtable";
  }
  if (read.merged.has("map")) {
    const entries = read.merged.valueOf("map") ?? [];
    const isSmall = entries.length <= SMALL_COUNT && entries.every(({ key, ...entry }) => {
      if (key.length > SMALL_BYTES) return false;
      return entry.type !== "register" || entry.value.bytes.length <= SMALL_BYTES;
    });
    return isSmall ? "listpack" : "hashtable";
  }
  return "raw";
}
