// MULTI, EXEC and their kin (see transaction.ts for what a transaction is here).

import { DenamoError } from "../../wire/errors.ts";
import { type Client, type Command, type KeyPositions, NO_KEYS, type Run } from "./command.ts";
import { ReplyError } from "./error_replies.ts";

export const TRANSACTION_COMMANDS: readonly Command[] = [
  immediate("multi", 1, multi, "Let the commands that follow wait for EXEC"),
  immediate("exec", 1, exec, "Run what has waited since MULTI, one by one: not atomic"),
  immediate("discard", 1, discard, "Forget what has waited since MULTI"),
  immediate("watch", -2, watch, "Not supported; EXEC refuses what follows", [1, -1, 1]),
  { ...immediate("unwatch", 1, unwatch, "Take a refused WATCH back"), isImmediate: false },
];

function immediate(
  name: string,
  arity: number,
  run: Run,
  summary: string,
  keys: KeyPositions = NO_KEYS,
): Command {
  const flags = ["fast", "loading"] as const;
  return { name, arity, run, group: "transactions", summary, flags, keys, isImmediate: true };
}

function multi({ reply, transaction }: Client): void {
  transaction.begin();
  reply.ok();
}

function exec(client: Client): Promise<void> {
  return client.runQueued(client.transaction.take());
}

function discard({ reply, transaction }: Client): void {
  transaction.discard();
  reply.ok();
}

/** Redis lets a transaction go on after a WATCH within it; but a client that sends it relies on it. */
function watch({ transaction }: Client): void {
  transaction.refuse();
  if (transaction.isOpen) throw new ReplyError("ERR WATCH inside MULTI is not allowed");
  throw new DenamoError(
    "unsupported",
    "no",
    "WATCH is not supported: whether a key has changed meanwhile cannot be known without " +
      "consensus. The next EXEC runs nothing",
  );
}

function unwatch({ reply, transaction }: Client): void {
  transaction.clear();
  reply.ok();
}
