// Sets: SADD, SMEMBERS and their kin. Of an add and a remove that did not know of each other the add wins.

import { binaryString, fromBinaryString } from "../../base/bytes.ts";
import type { MergedValues, NestedOperation, NodeApi } from "../../node/api.ts";
import { drawCountArgument } from "./arguments.ts";
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
import { syntaxError } from "./error_replies.ts";
import { ELEMENT_BYTES } from "./resp_limits.ts";
import { drawSome, replyDrawn } from "./random_choice.ts";
import { cursorOf, pageOf, replyPage } from "./element_scan.ts";
import { change, changedBy, readOf, valueOf } from "./typed_values.ts";
import { stepsOf, writeSteps } from "./write_steps.ts";

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
    const steps = stepsOf(command.slice(2), ({ length }) => length);
    reply.integer(
      await writeSteps(steps, async (elements) => {
        const operation: NestedOperation = kind === "add"
          ? { type: "set", operation: { kind, elements } }
          : { type: "set", operation: { kind, elements, seen: undefined } };
        return changedBy(await change(api, command[1]!, [operation]));
      }),
    );
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

/** Elements as binary strings. */
export type Combination = (sets: readonly ReadonlySet<string>[]) => Iterable<string>;

function combine(combination: Combination): Run {
  return async (client, command) => {
    const sets = await setsOf(client, command.slice(1));
    replySet(client.reply, [...combination(sets)].map(fromBinaryString));
  };
}

/** Reads several sets, whose elements are counted as gathered. */
export async function setsOf(
  client: Client,
  keys: Arguments,
): Promise<readonly ReadonlySet<string>[]> {
  return await forEachKey(keys, "reads", async (key) => {
    const elements = await elementsOf(client.api, key);
    for (const element of elements) client.gather(element.length + ELEMENT_BYTES);
    return new Set(elements.map(binaryString));
  });
}

export function intersection(sets: readonly ReadonlySet<string>[]): Iterable<string> {
  return sets.reduce((common, other) => common.intersection(other));
}

export function union(sets: readonly ReadonlySet<string>[]): Iterable<string> {
  return sets.reduce((all, other) => all.union(other));
}

export function difference(sets: readonly ReadonlySet<string>[]): Iterable<string> {
  return sets.reduce((left, other) => left.difference(other));
}

async function randomMembers(client: Client, command: Arguments): Promise<void> {
  if (command.length > 3) throw syntaxError();
  const count = command.length > 2 ? drawCountArgument(command[2]!) : undefined;
  const elements = await elementsOf(client.api, command[1]!);
  if (count === undefined) {
    client.reply.bulkOrNull(drawSome(elements, 1)[0]);
    return;
  }
  replyDrawn(client, elements, count, ({ length }) => length, (element) => {
    client.reply.bulk(element);
  });
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
