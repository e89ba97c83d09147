// Sets: SADD, SMEMBERS and their kin. Of an add and a remove that did not know of each other the add wins.

import { binaryString, fromBinaryString } from "../../base/bytes.ts";
import type { MergedValues, NestedOperation, NodeApi } from "../../node/api.ts";
import { integerArgument } from "./arguments.ts";
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
import { forEachKey } from "./many_keys.ts";
import { ELEMENT_BYTES, RESP_LIMITS } from "./resp_limits.ts";
import { TooLargeError } from "../../wire/errors.ts";
import { drawSome } from "./random_choice.ts";
import { cursorOf, pageOf, replyPage } from "./element_scan.ts";
import { change, changedBy, readOf, valueOf } from "./typed_values.ts";

const READS: readonly CommandFlag[] = ["readonly"];

export const SET_COMMANDS: readonly Command[] = [
  set("sadd", -3, alter("add"), "Add elements to a set", ["write", "fast"]),
  set("srem", -3, alter("remove"), "Remove elements from a set", ["write", "fast"]),
  set("sismember", 3, isMember, "Whether an element is in a set", ["readonly", "fast"]),
  set("smismember", -3, areMembers, "Which elements are in a set", ["readonly", "fast"]),
  set("smembers", 2, members, "Get all elements of a set"),
  set("scard", 2, size, "Count the elements of a set", ["readonly", "fast"]),
  set("sinter", -2, combine(intersection), "Get what all sets have in common", READS, ALL_KEYS),
  set("sunion", -2, combine(union), "Get what is in any of the sets", READS, ALL_KEYS),
  set("sdiff", -2, combine(difference), "Get what only the first set has", READS, ALL_KEYS),
  set("srandmember", -2, randomMembers, "Get one or several elements at random"),
  set("sscan", -3, scan, "Walk through the elements of a set [MATCH pattern] [COUNT count]"),
];

function set(
  name: string,
  arity: number,
  run: Run,
  summary: string,
  flags: readonly CommandFlag[] = READS,
  keys: KeyPositions = ONE_KEY,
): Command {
  return { name, arity, run, group: "set", summary, flags, keys };
}

function alter(kind: "add" | "remove"): Run {
  return async ({ api, reply }, command) => {
    const elements = command.slice(2);
    const operation: NestedOperation = kind === "add"
      ? { type: "set", operation: { kind, elements } }
      : { type: "set", operation: { kind, elements, seen: undefined } };
    reply.integer(changedBy(await change(api, command[1]!, [operation])));
  };
}

async function isMember({ api, reply }: Client, command: Arguments): Promise<void> {
  const { merged } = await readOf(api, command[1]!, "set");
  reply.integer(membership(merged, command[2]!));
}

async function areMembers({ api, reply }: Client, command: Arguments): Promise<void> {
  const { merged } = await readOf(api, command[1]!, "set");
  const elements = command.slice(2);
  reply.array(elements.length);
  for (const element of elements) reply.integer(membership(merged, element));
}

async function members({ api, reply }: Client, command: Arguments): Promise<void> {
  replySet(reply, await elementsOf(api, command[1]!));
}

async function size({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.integer((await readOf(api, command[1]!, "set")).merged.setSize);
}

function combine(
  combination: (sets: readonly ReadonlySet<string>[]) => Iterable<string>,
): Run {
  return async (client, command) => {
    const sets = await forEachKey(command.slice(1), "reads", async (key) => {
      const elements = await elementsOf(client.api, key);
      for (const element of elements) client.gather(element.length + ELEMENT_BYTES);
      return new Set(elements.map(binaryString));
    });
    replySet(client.reply, [...combination(sets)].map(fromBinaryString));
  };
}

function intersection(sets: readonly ReadonlySet<string>[]): Iterable<string> {
  return sets.reduce((common, other) => common.intersection(other));
}

function union(sets: readonly ReadonlySet<string>[]): Iterable<string> {
  return sets.reduce((all, other) => all.union(other));
}

function difference(sets: readonly ReadonlySet<string>[]): Iterable<string> {
  return sets.reduce((left, other) => left.difference(other));
}

async function randomMembers({ api, reply }: Client, command: Arguments): Promise<void> {
  const count = command.length > 2 ? integerArgument(command[2]!) : undefined;
  // A negative count asks for so many, however few there are.
  if (count !== undefined && -count > RESP_LIMITS.scanCount) {
    throw new TooLargeError("The reply of SRANDMEMBER", RESP_LIMITS.scanCount, -count);
  }
  const elements = await elementsOf(api, command[1]!);
  if (count === undefined) {
    reply.bulkOrNull(drawSome(elements, 1)[0]);
    return;
  }
  const drawn = drawSome(elements, count);
  reply.array(drawn.length);
  for (const element of drawn) reply.bulk(element);
}

async function scan({ api, reply }: Client, command: Arguments): Promise<void> {
  const from = cursorOf(command);
  const page = pageOf(command, from, await elementsOf(api, command[1]!), (element) => element);
  replyPage(reply, page, 1, (element) => reply.bulk(element));
}

async function elementsOf(api: NodeApi, key: Uint8Array): Promise<readonly Uint8Array[]> {
  return await valueOf(api, key, "set") ?? [];
}

function membership(merged: MergedValues, element: Uint8Array): 0 | 1 {
  return merged.hasElement(element) ? 1 : 0;
}

function replySet(reply: Client["reply"], elements: readonly Uint8Array[]): void {
  reply.set(elements.length);
  for (const element of elements) reply.bulk(element);
}
