// Hashes: HSET, HGETALL and their kin, on maps whose values are registers and counters.
//
// A field that HSET has set is a register, the last writer of which is shown; one to which HINCRBY adds is a
// counter, and the sum is exact. HSET on a counter ends it, and HINCRBY on a number that HSET has set begins a counter
// there, as INCR does.

import { binaryString, utf8 } from "../../base/bytes.ts";
import type { MapEntry, MergedValues, NestedOperation, NodeApi } from "../../node/api.ts";
import { drawCountArgument, ownBytes, wideIntegerArgument, wideIntegerOf } from "./arguments.ts";
import {
  type Arguments,
  type Client,
  type Command,
  type CommandFlag,
  lowerWord,
  ONE_KEY,
  type Run,
} from "./command.ts";
import { addition, isAddable, wouldOverflow } from "./counter_commands.ts";
import { cursorOf, pageOf, replyPage } from "./element_scan.ts";
import { ReplyError, syntaxError, wrongArity } from "./error_replies.ts";
import { drawSome, replyDrawn } from "./random_choice.ts";
import { change, changedBy, readOf, valueOf, wrongType } from "./typed_values.ts";
import { shownAmongOthers, shownBytes } from "./values.ts";
import { stepsOf, writeSteps } from "./write_steps.ts";

export const HASH_COMMANDS: readonly Command[] = [
  hash("hset", -4, setFields("hset"), "Set fields of a hash", ["write", "fast"]),
  hash("hmset", -4, setFields("hmset"), "Set fields of a hash", ["write", "fast"]),
  hash("hget", 3, getField, "Get a field of a hash", ["readonly", "fast"]),
  hash("hmget", -3, getFields, "Get several fields of a hash", ["readonly", "fast"]),
  hash("hgetall", 2, getAll, "Get all fields of a hash with their values"),
  hash("hdel", -3, deleteFields, "Delete fields of a hash", ["write", "fast"]),
  hash("hexists", 3, hasField, "Whether a hash has a field", ["readonly", "fast"]),
  hash("hlen", 2, countFields, "Count the fields of a hash", ["readonly", "fast"]),
  hash("hkeys", 2, getKeys, "Get the names of all fields of a hash"),
  hash("hvals", 2, getValues, "Get the values of all fields of a hash"),
  hash("hincrby", 4, addToField, "Add to a field of a hash", ["write", "fast"]),
  hash("hstrlen", 3, fieldLength, "Get the length of a field in bytes", ["readonly", "fast"]),
  hash("hrandfield", -2, randomFields, "Get one or several fields at random [count [WITHVALUES]]"),
  hash("hscan", -3, scan, "Walk through the fields of a hash [MATCH pattern] [COUNT count]"),
];

function hash(
  name: string,
  arity: number,
  run: Run,
  summary: string,
  flags: readonly CommandFlag[] = ["readonly"],
): Command {
  return { name, arity, run, group: "hash", summary, flags, keys: ONE_KEY };
}

/** A field with what it shows. */
interface Field {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

function setFields(name: "hset" | "hmset"): Run {
  return async ({ api, reply }, command) => {
    if (command.length % 2 !== 0) throw wrongArity(name);
    const operations: NestedOperation[] = [];
    for (let at = 2; at < command.length; at += 2) {
      const value = { kind: "bytes", bytes: ownBytes(command[at + 1]!) } as const;
      operations.push(under(command[at]!, { type: "register", operation: { kind: "set", value } }));
    }
    const added = await writeSteps(
      stepsOf(operations, sizeOfField),
      async (step) => changedBy(await change(api, command[1]!, step)),
    );
    if (name === "hset") reply.integer(added);
    else reply.ok();
  };
}

function sizeOfField({ operation }: NestedOperation): number {
  if (!("nested" in operation) || operation.nested.type !== "register") return 0;
  return operation.key.length + operation.nested.operation.value.bytes.length;
}

function under(field: Uint8Array, nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key: ownBytes(field), nested } };
}

async function getField({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.bulkOrNull(shownIn((await mapOf(api, command[1]!)).at(command[2]!)));
}

async function getFields({ api, reply }: Client, command: Arguments): Promise<void> {
  const map = await mapOf(api, command[1]!);
  const names = command.slice(2);
  reply.array(names.length);
  for (const name of names) reply.bulkOrNull(shownIn(map.at(name)));
}

async function getAll({ api, reply }: Client, command: Arguments): Promise<void> {
  const fields = await fieldsOf(api, command[1]!);
  reply.map(fields.length);
  for (const { name, value } of fields) {
    reply.bulk(name);
    reply.bulk(value);
  }
}

async function deleteFields({ api, reply }: Client, command: Arguments): Promise<void> {
  const steps = stepsOf(command.slice(2), ({ length }) => length);
  // A field that is named twice is deleted once.
  const deleted = await writeSteps(steps, async (keys) => {
    const operation = { kind: "remove", keys, seen: undefined } as const;
    return changedBy(await change(api, command[1]!, [{ type: "map", operation }]));
  });
  reply.integer(deleted);
}

async function hasField({ api, reply }: Client, command: Arguments): Promise<void> {
  const shown = shownIn((await mapOf(api, command[1]!)).at(command[2]!));
  reply.integer(shown === undefined ? 0 : 1);
}

async function countFields({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.integer((await fieldsOf(api, command[1]!)).length);
}

async function getKeys({ api, reply }: Client, command: Arguments): Promise<void> {
  const fields = await fieldsOf(api, command[1]!);
  reply.array(fields.length);
  for (const { name } of fields) reply.bulk(name);
}

async function getValues({ api, reply }: Client, command: Arguments): Promise<void> {
  const fields = await fieldsOf(api, command[1]!);
  reply.array(fields.length);
  for (const { value } of fields) reply.bulk(value);
}

async function addToField({ api, reply }: Client, command: Arguments): Promise<void> {
  const noNumber = () => new ReplyError("ERR hash value is not an integer");
  const amount = wideIntegerArgument(command[3]!);
  if (!isAddable(amount)) {
    const shown = shownIn((await mapOf(api, command[1]!)).at(command[2]!));
    if (shown !== undefined && wideIntegerOf(shown) === undefined) throw noNumber();
    throw wouldOverflow();
  }
  const operation = under(command[2]!, addition(Number(amount)));
  const [result] = await change(api, command[1]!, [operation], noNumber);
  reply.bigInteger(result!.count!);
}

async function fieldLength({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.integer(shownIn((await mapOf(api, command[1]!)).at(command[2]!))?.length ?? 0);
}

async function randomFields(client: Client, command: Arguments): Promise<void> {
  const { api, reply } = client;
  if (command.length === 2) {
    return reply.bulkOrNull(drawSome(await fieldsOf(api, command[1]!), 1)[0]?.name);
  }
  const count = drawCountArgument(command[2]!);
  const hasValues = command.length === 4 && lowerWord(command[3]!) === "withvalues";
  if (command.length > 3 && !hasValues) throw syntaxError();
  // Twice as many replies must be countable too.
  if (hasValues && Math.abs(count) >= 2 ** 62) {
    throw new ReplyError("ERR value is out of range");
  }
  const fields = await fieldsOf(api, command[1]!);
  // RESP2 has no pairs: names and values follow each other.
  const isFlat = !hasValues || reply.protocol === 2;
  const sizeOf = ({ name, value }: Field) => name.length + (hasValues ? value.length : 0);
  replyDrawn(client, fields, count, sizeOf, ({ name, value }) => {
    if (!isFlat) reply.array(2);
    reply.bulk(name);
    if (hasValues) reply.bulk(value);
  }, hasValues && isFlat ? 2 : 1);
}

async function scan({ api, reply }: Client, command: Arguments): Promise<void> {
  const from = cursorOf(command);
  const page = pageOf(command, from, await fieldsOf(api, command[1]!), ({ name }) => name);
  replyPage(reply, page, 2, ({ name, value }) => {
    reply.bulk(name);
    reply.bulk(value);
  });
}

async function mapOf(api: NodeApi, key: Uint8Array): Promise<MergedValues> {
  return (await readOf(api, key, "map")).merged;
}

async function fieldsOf(api: NodeApi, key: Uint8Array): Promise<Field[]> {
  const entries = await valueOf(api, key, "map") ?? [];
  const fields = new Map<string, Field>();
  for (const entry of entries) {
    const name = binaryString(entry.key);
    // A register comes after the counter beside it, and goes before it.
    if (entry.type !== "counter" && entry.type !== "register") continue;
    fields.set(name, { name: entry.key, value: shownEntry(entry) });
  }
  return [...fields.values()];
}

function shownEntry(entry: MapEntry & { readonly type: "counter" | "register" }): Uint8Array {
  return entry.type === "counter" ? utf8(`${entry.value}`) : shownAmongOthers(entry.value);
}

/** What a field shows; undefined if there is none. */
function shownIn(values: MergedValues): Uint8Array | undefined {
  const value = values.valueOf("register");
  if (value !== undefined) return shownBytes(value);
  const count = values.valueOf("counter");
  if (count !== undefined) return utf8(`${count}`);
  if (values.types.length > 0) throw wrongType();
  return undefined;
}
