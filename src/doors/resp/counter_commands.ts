// INCR, DECR and their kin: a counter to which any node adds, and the sum is exact.

import type { NestedOperation } from "../../node/api.ts";
import { ownBytes, wideIntegerArgument, wideIntegerOf } from "./arguments.ts";
import { type Arguments, type Client, type Command, ONE_KEY, type Run } from "./command.ts";
import { notAnInteger, ReplyError } from "./error_replies.ts";
import { change, stringIn } from "./typed_values.ts";

export const COUNTER_COMMANDS: readonly Command[] = [
  counter("incr", 2, (client, command) => add(client, command, 1n), "Add one to a counter"),
  counter("decr", 2, (client, command) => add(client, command, -1n), "Take one from a counter"),
  counter(
    "incrby",
    3,
    (client, command) => add(client, command, wideIntegerArgument(command[2]!)),
    "Add to a counter",
  ),
  counter(
    "decrby",
    3,
    subtract,
    "Take from a counter",
  ),
];

function counter(name: string, arity: number, run: Run, summary: string): Command {
  return { name, arity, run, group: "string", summary, flags: ["write", "fast"], keys: ONE_KEY };
}

function subtract(client: Client, command: Arguments): Promise<void> {
  const amount = wideIntegerArgument(command[2]!);
  // The one number of 64 bits whose opposite does not fit them.
  if (amount === -(2n ** 63n)) throw new ReplyError("ERR decrement would overflow");
  return add(client, command, -amount);
}

async function add({ api, reply }: Client, command: Arguments, amount: bigint): Promise<void> {
  if (!isAddable(amount)) {
    // Redis looks at the value first.
    const shown = stringIn(await api.get(ownBytes(command[1]!)));
    if (shown !== undefined && wideIntegerOf(shown) === undefined) throw notAnInteger();
    throw wouldOverflow();
  }
  const [result] = await change(api, command[1]!, [addition(Number(amount))]);
  reply.bigInteger(result!.count!);
}

export function addition(amount: number): NestedOperation {
  return { type: "counter", operation: { kind: "add", amount: amount + 0, id: undefined } };
}

/** Whether a counter can take this at once: a number that is exact as a double. */
export function isAddable(amount: bigint): boolean {
  return amount >= -MOST && amount <= MOST;
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

export function wouldOverflow(): ReplyError {
  return new ReplyError("ERR increment or decrement would overflow");
}

/** A whole number that a counter takes at once. */
export function amountArgument(bytes: Uint8Array): number {
  const amount = wideIntegerArgument(bytes);
  if (isAddable(amount)) return Number(amount);
  throw wouldOverflow();
}
