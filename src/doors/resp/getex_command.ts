// GETEX: reads a string and sets when it ends. The two are requests of their own.

import { ownBytes } from "./arguments.ts";
import { type Arguments, type Client, type Command, lowerWord, ONE_KEY } from "./command.ts";
import { syntaxError } from "./error_replies.ts";
import { expiryOption, type ExpiryUnit, positiveExpiryTimeMs } from "./expiry.ts";
import { stringIn } from "./typed_values.ts";

export const GETEX_COMMANDS: readonly Command[] = [
  {
    name: "getex",
    arity: -2,
    run: getAndExpire,
    group: "string",
    summary: "Get a value, then set when it ends [EX s | PX ms | EXAT s | PXAT ms | PERSIST]",
    flags: ["write", "fast"],
    keys: ONE_KEY,
  },
];

type End = "stays" | "persist" | { readonly unit: ExpiryUnit; readonly argument: Uint8Array };

async function getAndExpire({ api, reply }: Client, command: Arguments): Promise<void> {
  const end = endOf(command);
  const key = ownBytes(command[1]!);
  const read = await api.get(key);
  const shown = stringIn(read);
  if (shown === undefined) return reply.null();
  if (end === "persist") {
    if (read.expiresAtMs !== undefined) await api.expire(key, undefined);
  } else if (end !== "stays") {
    const nowMs = api.nowMs();
    const expiresAtMs = positiveExpiryTimeMs(end.argument, end.unit, nowMs, "getex");
    if (expiresAtMs > nowMs) await api.expire(key, expiresAtMs);
    else await api.delete(key, { context: read.context() });
  }
  reply.bulk(shown);
}

function endOf(command: Arguments): End {
  let end: End = "stays";
  for (let at = 2; at < command.length; at++) {
    const unit = expiryOption(command[at]!);
    if (end !== "stays") throw syntaxError();
    if (unit !== undefined && at + 1 < command.length) end = { unit, argument: command[++at]! };
    else if (lowerWord(command[at]!) === "persist") end = "persist";
    else throw syntaxError();
  }
  return end;
}
