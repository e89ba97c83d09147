// Denamo's own commands: siblings, contexts and quorums, which Redis has no words for.
//
// `DN.GET` shows every value that no write has replaced and a context. `DN.SET` with that context
// replaces exactly those values: what was written meanwhile stays as a sibling. `DN.GET` with a context of
// before shows nothing that is older, whichever node is asked. `DN.INCRBY` with an id counts once, however often it is
// tried: an `INCR` has no place for one.

import { utf8Text } from "../../base/bytes.ts";
import type { OperationId, PutOptions, QuorumLevel } from "../../node/api.ts";
import { countArgument, ownBytes, positiveArgument, quorumArgument } from "./arguments.ts";
import { type Arguments, type Client, type Command, lowerWord, ONE_KEY } from "./command.ts";
import { amountArgument } from "./counter_commands.ts";
import { notAnInteger, syntaxError } from "./error_replies.ts";
import { MILLISECONDS, positiveExpiryTimeMs } from "./expiry.ts";
import { change } from "./typed_values.ts";
import { shownAmongOthers } from "./values.ts";

export const DENAMO_COMMANDS: readonly Command[] = [
  {
    name: "dn.get",
    arity: -2,
    run: get,
    group: "denamo",
    summary: "Get the siblings of a key and their context [ATLEAST c] [R n] [TIMEOUT ms] [STRICT]",
    flags: ["readonly"],
    keys: ONE_KEY,
  },
  {
    name: "dn.set",
    arity: -3,
    run: set,
    group: "denamo",
    summary: "Set a key and get the context [CONTEXT c] [W n] [TIMEOUT ms] [STRICT] [PX ms]",
    flags: ["write"],
    keys: ONE_KEY,
  },
  {
    name: "dn.del",
    arity: -2,
    run: remove,
    group: "denamo",
    summary: "Delete what the context has seen of a key [CONTEXT c] [W n] [TIMEOUT ms] [STRICT]",
    flags: ["write"],
    keys: ONE_KEY,
  },
  {
    name: "dn.incrby",
    arity: -3,
    run: add,
    group: "denamo",
    summary:
      "Add to a counter, once for each id [ID session number until-ms] [W n] [TIMEOUT ms] [STRICT]",
    flags: ["write"],
    keys: ONE_KEY,
  },
];

/** Replies with a map: value (or nothing), siblings (the latest first), context. */
async function get({ api, reply }: Client, command: Arguments): Promise<void> {
  const known = ["atleast", "r", "timeout", "strict"] as const;
  const { atLeast, r, timeoutMs, strict } = readOptions(command, 2, known, 0);
  const read = await api.get(ownBytes(command[1]!), { atLeast, r, timeoutMs, strict });
  const siblings = read.siblings.map(shownAmongOthers);
  reply.map(3);
  reply.text("value");
  reply.bulkOrNull(siblings[0]);
  reply.text("siblings");
  reply.array(siblings.length);
  for (const sibling of siblings) reply.bulk(sibling);
  reply.text("context");
  reply.text(read.context());
}

/** Replies with the context of the write, or nothing if others wrote meanwhile: then read again. */
async function set({ api, reply }: Client, command: Arguments): Promise<void> {
  const known = ["context", "w", "timeout", "strict", "px"] as const;
  const { context, w, timeoutMs, strict, expiresAtMs } = readOptions(
    command,
    3,
    known,
    api.nowMs(),
  );
  const value = { kind: "bytes", bytes: ownBytes(command[2]!) } as const;
  const options: PutOptions = { context, w, timeoutMs, strict, expiresAtMs };
  const token = (await api.put(ownBytes(command[1]!), value, options)).context();
  if (token === undefined) reply.null();
  else reply.text(token);
}

/** Replies with 1 if there was a value, else 0. */
async function remove({ api, reply }: Client, command: Arguments): Promise<void> {
  const known = ["context", "w", "timeout", "strict"] as const;
  const { context, w, timeoutMs, strict } = readOptions(command, 2, known, 0);
  const options = { context, w, timeoutMs, strict };
  const { existed } = await api.delete(ownBytes(command[1]!), options);
  reply.integer(existed ? 1 : 0);
}

/** Replies with what the counter then shows. */
async function add({ api, reply }: Client, command: Arguments): Promise<void> {
  const amount = amountArgument(command[2]!);
  const known = ["id", "w", "timeout", "strict"] as const;
  const { id, ...options } = readOptions(command, 3, known, 0);
  const operation = { kind: "add", amount, id } as const;
  const operations = [{ type: "counter", operation } as const];
  const [result] = await change(api, command[1]!, operations, notAnInteger, options);
  reply.bigInteger(result!.count!);
}

type OptionName = "atleast" | "id" | "r" | "w" | "context" | "timeout" | "strict" | "px";

interface Options {
  id?: OperationId;
  atLeast?: string;
  r?: QuorumLevel;
  w?: QuorumLevel;
  context?: string;
  timeoutMs?: number;
  strict?: boolean;
  expiresAtMs?: number;
}

/** The options from the argument `at` on. @throws {ReplyError} for one that is not in `known` */
function readOptions(
  command: Arguments,
  at: number,
  known: readonly OptionName[],
  nowMs: number,
): Options {
  const options: Options = {};
  while (at < command.length) {
    const name = lowerWord(command[at++]!) as OptionName;
    if (!known.includes(name)) throw syntaxError();
    if (name === "strict") {
      options.strict = true;
      continue;
    }
    if (name === "id") {
      const [session, number, untilMs] = command.slice(at, at += 3);
      if (untilMs === undefined) throw syntaxError();
      options.id = {
        session: utf8Text(session!),
        number: countArgument(number!, "The number of an operation"),
        untilMs: countArgument(untilMs, "The end of an operation"),
      };
      continue;
    }
    const value = command[at++];
    if (value === undefined) throw syntaxError();
    switch (name) {
      case "r":
      case "w":
        options[name] = quorumArgument(value, name.toUpperCase());
        break;
      case "atleast":
        options.atLeast = utf8Text(value);
        break;
      case "context":
        options.context = utf8Text(value);
        break;
      case "timeout":
        options.timeoutMs = positiveArgument(value, "TIMEOUT");
        break;
      case "px":
        options.expiresAtMs = positiveExpiryTimeMs(value, MILLISECONDS, nowMs, "dn.set");
        break;
    }
  }
  return options;
}
