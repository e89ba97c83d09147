// COPY: the value of one key under another. It reads the one and then writes the other.

import { binaryString } from "../../base/bytes.ts";
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
    summary: "Copy a key: it is read, then the other is written [REPLACE]",
    flags: ["write"],
    keys: [1, 2, 1],
  },
];

async function copy({ api, reply }: Client, command: Arguments): Promise<void> {
  const { isReplacing } = optionsOf(command);
  const from = ownBytes(command[1]!);
  const to = ownBytes(command[2]!);
  if (binaryString(from) === binaryString(to)) {
    throw new ReplyError("ERR source and destination objects are the same");
  }
  const [source, target] = await Promise.all([api.get(from), api.get(to)]);
  if (!source.exists || target.exists && !isReplacing) return reply.integer(0);
  const { value, expiresAtMs } = source;
  const context = target.context();
  if (value !== undefined) {
    await api.put(to, value, { context, expiresAtMs });
    return reply.integer(1);
  }
  const operations = operationsOf(source);
  if (target.exists) await api.delete(to, { context });
  await writeOperations(api, to, operations);
  if (expiresAtMs !== undefined) await api.expire(to, expiresAtMs);
  reply.integer(1);
}

function optionsOf(command: Arguments): { readonly isReplacing: boolean } {
  let isReplacing = false;
  for (let at = 3; at < command.length; at++) {
    const word = lowerWord(command[at]!);
    if (word === "replace") {
      isReplacing = true;
    } else if (word === "db" && at + 1 < command.length) {
      if (integerArgument(command[++at]!) !== 0) {
        throw new ReplyError("ERR DB index is out of range");
      }
    } else {
      throw syntaxError();
    }
  }
  return { isReplacing };
}
