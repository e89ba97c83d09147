// SINTERSTORE and its kin, which read sets and then write another, and SINTERCARD.

import { fromBinaryString } from "../../base/bytes.ts";
import { integerOf, ownBytes } from "./arguments.ts";
import {
  ALL_KEYS,
  type Arguments,
  type Client,
  type Command,
  lowerWord,
  type Run,
} from "./command.ts";
import { ReplyError, syntaxError } from "./error_replies.ts";
import { replaceBySet } from "./replace_value.ts";
import { type Combination, difference, intersection, setsOf, union } from "./set_commands.ts";

export const SET_STORE_COMMANDS: readonly Command[] = [
  store("sinterstore", intersection, "Store what all sets have in common"),
  store("sunionstore", union, "Store what is in any of the sets"),
  store("sdiffstore", difference, "Store what only the first set has"),
  {
    name: "sintercard",
    arity: -3,
    run: countCommon,
    group: "set",
    summary: "Count what all sets have in common [LIMIT limit]",
    flags: ["readonly"],
    keys: [0, 0, 0],
    keysOf: (command) => command.slice(2, 2 + (integerOf(command[1]!) ?? 0)),
  },
];

function store(name: string, combination: Combination, summary: string): Command {
  const run: Run = async (client, command) => {
    const { api, reply } = client;
    const [, target, ...sources] = command;
    const key = ownBytes(target!);
    const sets = await setsOf(client, sources);
    const elements = [...combination(sets)].map(fromBinaryString);
    await replaceBySet(api, key, elements, await api.get(key));
    reply.integer(elements.length);
  };
  return {
    name,
    arity: -3,
    run,
    group: "set",
    summary: `${summary}: they are read, then the first key is written`,
    flags: ["write"],
    keys: ALL_KEYS,
  };
}

async function countCommon(client: Client, command: Arguments): Promise<void> {
  const count = integerOf(command[1]!);
  if (count === undefined || count <= 0) {
    throw new ReplyError("ERR numkeys should be greater than 0");
  }
  if (count > command.length - 2) {
    throw new ReplyError("ERR Number of keys can't be greater than number of args");
  }
  const limit = limitOf(command, 2 + count);
  const common = new Set(intersection(await setsOf(client, command.slice(2, 2 + count))));
  client.reply.integer(limit === 0 ? common.size : Math.min(limit, common.size));
}

/** 0 is no limit. */
function limitOf(command: Arguments, from: number): number {
  let limit = 0;
  for (let at = from; at < command.length; at += 2) {
    const value = command[at + 1];
    if (lowerWord(command[at]!) !== "limit" || value === undefined) throw syntaxError();
    const number = integerOf(value);
    if (number === undefined || number < 0) throw new ReplyError("ERR LIMIT can't be negative");
    limit = number;
  }
  return limit;
}
