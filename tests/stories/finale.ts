// The end of a story: everything is healed, a key is read from all its owners, and the oracles of the simulator
// judge what became of it.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import type { Machine } from "../sim/machine.ts";
import { convergenceProblems } from "../sim/oracles/convergence.ts";
import { lostWriteProblems } from "../sim/oracles/lost_writes.ts";
import { dotProblems } from "../sim/oracles/unique_dots.ts";
import { showMerged } from "./alterations.ts";
import type { Stage } from "./stage.ts";

/** How often a key is read from all its owners before that must succeed and find them the same. */
const ROUNDS = 3;

const BETWEEN_ROUNDS_MS = 1_000;

/** Heals all, and tells what the owners of a key hold in the end. */
export async function finale(stage: Stage, key: string): Promise<string[]> {
  const { machines, violations } = stage.world;
  await healAll(stage);
  const owners = stage.placement(key).owners;
  const copies = () =>
    machines.map((machine) => ({
      node: machine.name,
      isOwner: owners.includes(machine.name),
      object: stage.world.onDisk(machine, key),
    }));
  let values: string[] = [];
  let merged: string[] = [];
  let problems: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    problems = [];
    for (const machine of machines) {
      ({ merged, values } = await readFromAll(stage, machine, key, problems));
    }
    await stage.world.time.pass(BETWEEN_ROUNDS_MS);
    problems.push(...convergenceProblems(key, copies()));
    if (problems.length === 0) break;
  }
  const { operations, writes } = stage.world.history;
  const ofKey = writes.filter((write) => write.key === key);
  problems.push(...dotProblems(writes));
  const isMerged = ofKey.some(({ operation }) => operation.kind === "update");
  // Of what merges, the reader of the story sees whether it is right.
  if (!isMerged) problems.push(...lostWriteProblems(key, operations, ofKey, values));
  violations.push(...problems);
  const owner = copies().find(({ node }) => node === owners[0])!;
  const held = `${[...owners].sort().join(" ")}: ${stage.names.ofObject(owner.object)}`;
  if (problems.length > 0) return problems;
  if (!isMerged) return [held, "nothing is lost, nothing has come back"];
  const shown = [...values.map((value) => `"${value}"`), ...merged];
  return [held, `all read ${shown.length === 0 ? "nothing" : shown.join(", ")}`];
}

async function healAll(stage: Stage): Promise<void> {
  const { machines } = stage.world;
  for (const machine of machines) {
    stage.setDisk(machine, "fine");
    machine.face.offsetMs = 0;
  }
  await stage.heal();
  for (const machine of machines) await stage.resume(machine);
  await stage.start(machines);
}

/** What a node answers after asking all owners. That it cannot is added to `problems`. */
async function readFromAll(
  { world }: Stage,
  { name, node }: Machine,
  key: string,
  problems: string[],
): Promise<{ values: string[]; merged: string[] }> {
  let isEnded = false;
  let values: string[] = [];
  let merged: string[] = [];
  const read = async () => {
    try {
      const found = await node!.get(utf8(key), { r: "all" });
      values = found.siblings.map(({ bytes }) => utf8Text(bytes));
      merged = showMerged(found.merged);
    } catch (error) {
      if (!(error instanceof DenamoError)) throw error;
      problems.push(`All is healed, and ${name} cannot read ${key}: ${error.message}`);
    } finally {
      isEnded = true;
    }
  };
  const done = read();
  await world.time.until(() => isEnded, `${name} reads ${key}`);
  await done;
  return { values, merged };
}
