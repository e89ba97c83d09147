// PFADD, PFCOUNT and PFMERGE: about how many different elements have been counted.

import { MergedValues, type NodeApi } from "../../node/api.ts";
import { ALL_KEYS, type Arguments, type Client, type Command, ONE_KEY } from "./command.ts";
import { forEachKey } from "./many_keys.ts";
import { change, changedBy, readOf } from "./typed_values.ts";
import { stepsOf, writeSteps } from "./write_steps.ts";

export const HYPERLOGLOG_COMMANDS: readonly Command[] = [
  {
    name: "pfadd",
    arity: -2,
    run: add,
    group: "hyperloglog",
    summary: "Count elements",
    flags: ["write", "fast"],
    keys: ONE_KEY,
  },
  {
    name: "pfcount",
    arity: -2,
    run: count,
    group: "hyperloglog",
    summary: "Get about how many different elements were counted, under all keys together",
    flags: ["readonly"],
    keys: ALL_KEYS,
  },
  {
    name: "pfmerge",
    arity: -2,
    run: merge,
    group: "hyperloglog",
    summary: "Add to the first what the others have counted: they are read, then it is changed",
    flags: ["write"],
    keys: ALL_KEYS,
  },
];

async function add({ api, reply }: Client, command: Arguments): Promise<void> {
  const steps = stepsOf(command.slice(2), ({ length }) => length);
  // Without elements the key comes to be all the same.
  const changed = await writeSteps(steps.length === 0 ? [[]] : steps, async (elements) => {
    const operation = { kind: "add", elements } as const;
    return changedBy(await change(api, command[1]!, [{ type: "hyperloglog", operation }]));
  });
  reply.integer(changed > 0 ? 1 : 0);
}

async function count({ api, reply }: Client, command: Arguments): Promise<void> {
  reply.integer(MergedValues.countDistinct(await readAll(api, command.slice(1))));
}

async function merge({ api, reply }: Client, command: Arguments): Promise<void> {
  const [, destination, ...sources] = command;
  const operation = MergedValues.mergeOfDistinct(await readAll(api, sources));
  await change(api, destination!, [operation]);
  reply.ok();
}

async function readAll(
  api: NodeApi,
  keys: readonly Uint8Array[],
): Promise<readonly MergedValues[]> {
  return await forEachKey(keys, "reads", async (key) => {
    return (await readOf(api, key, "hyperloglog")).merged;
  });
}
