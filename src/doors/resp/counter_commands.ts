// INCR, DECR and their kin: a counter to which any node adds, and the sum is exact.

import type { NestedOperation } from "../../node/api.ts";
import { integerArgument } from "./arguments.ts";
import { type Arguments, type Client, type Command, ONE_KEY, type Run } from "./command.ts";
import { ReplyError } from "./error_replies.ts";
import { change } from "./typed_values.ts";

export const COUNTER_COMMANDS: readonly Command[] = [
  counter("incr", 2, (client, command) => add(client, command, 1), "Add one to a counter"),
  counter("decr", 2, (client, command) => add(client, command, -1), "Take one from a counter"),
  counter(
    "incrby",
    3,
    (client, command) => add(client, command, amountArgument(command[2]!)),
    "Add to a counter",
  ),
  counter(
    "decrby",
    3,
    (client, command) => add(client, command, -amountArgument(command[2]!)),
    "Take from a counter",
  ),
];

function counter(name: string, arity: number, run: Run, summary: string): Command {
  return { name, arity, run, group: "string", summary, flags: ["write", "fast"], keys: ONE_KEY };
}

async function add({ api, reply }: Client, command: Arguments, amount: number): Promise<void> {
  const [result] = await change(api, command[1]!, [addition(amount)]);
  reply.bigInteger(result!.count!);
}

export function addition(amount: number): NestedOperation {
  return { type: "counter", operation: { kind: "add", amount: amount + 0, id: undefined } };
}

/** A whole number of which a counter can take any number of times. */
export function amountArgument(bytes: Uint8Array): number {
  const amount = integerArgument(bytes);
  if (Number.isSafeInteger(amount)) return amount;
  throw new ReplyError("ERR increment or decrement would overflow");
}
