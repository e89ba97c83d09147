// COPY: the value of one key under another. It reads the one and then writes the other.

import { binaryString } from "../../base/bytes.ts";
import { DATABASE_COUNT } from "../../base/database_key.ts";
import { integerArgument, ownBytes } from "./arguments.ts";
import { type Arguments, type Client, type Command, lowerWord } from "./command.ts";
import { ReplyError, syntaxError } from "./error_replies.ts";
import { operationsOf, writeOperations } from "./replace_value.ts";

export const COPY_COMMANDS: readonly Command[] = [
  {
    name: "copy",
    arity: -3,
    run: copy,
    group: "generic",
    summary: "Copy a key: it is read, then the other is written [DB n] [REPLACE]",
    flags: ["write"],
    keys: [1, 2, 1],
  },
];

async function copy(client: Client, command: Arguments): Promise<void> {
  const { api, door, reply } = client;
  const { database, isReplacing } = optionsOf(command, client.database);
  const from = ownBytes(command[1]!);
  const to = ownBytes(command[2]!);
  const target = door.databases.of(database);
  if (database === client.database && binaryString(from) === binaryString(to)) {
    throw new ReplyError("ERR source and destination objects are the same");
  }
  const [source, there] = await Promise.all([api.get(from), target.get(to)]);
  if (!source.exists || there.exists && !isReplacing) return reply.integer(0);
  const { value, expiresAtMs } = source;
  const context = there.context();
  if (value !== undefined) {
    await target.put(to, value, { context, expiresAtMs });
    return reply.integer(1);
  }
  const operations = operationsOf(source);
  if (there.exists) await target.delete(to, { context });
  await writeOperations(target, to, operations);
  if (expiresAtMs !== undefined) await target.expire(to, expiresAtMs);
  reply.integer(1);
}

interface Options {
  readonly isReplacing: boolean;
  /** Where the copy goes. */
  readonly database: number;
}

function optionsOf(command: Arguments, own: number): Options {
  let isReplacing = false;
  let database = own;
  for (let at = 3; at < command.length; at++) {
    const word = lowerWord(command[at]!);
    if (word === "replace") {
      isReplacing = true;
    } else if (word === "db" && at + 1 < command.length) {
      database = integerArgument(command[++at]!);
      if (database < 0 || database >= DATABASE_COUNT) {
        throw new ReplyError("ERR DB index is out of range");
      }
    } else {
      throw syntaxError();
    }
  }
  return { isReplacing, database };
}
