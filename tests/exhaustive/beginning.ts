// How small worlds begin: with disks that hold a layout, and a value if there is to be one.
//
// To find each other and to agree on a layout is the same in every order of events, so it is done once, and
// every world starts from copies of the disks.

import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { Platter } from "../sim/platter.ts";
import { NATURAL } from "./pilot.ts";
import { FIRST_VALUE, KEY, type Scenario } from "./scenario.ts";
import { type Beginning, SmallWorld } from "./small_world.ts";

/** By the number of nodes and whether the key is written: nothing else leaves a trace on the disks. */
const made = new Map<string, Promise<Beginning>>();

/** The disks with which a scenario begins. */
export async function beginningOf(scenario: Scenario): Promise<Beginning> {
  const { platters } = await once(scenario, false);
  if (!scenario.isWritten) return { platters, emptyPlatters: platters, written: undefined };
  return { ...await once(scenario, true), emptyPlatters: platters };
}

function once(scenario: Scenario, isWritten: boolean): Promise<Beginning> {
  const name = `${scenario.nodeCount} ${isWritten}`;
  const known = made.get(name);
  if (known !== undefined) return known;
  const beginning = make(scenario, isWritten);
  made.set(name, beginning);
  return beginning;
}

async function make(scenario: Scenario, isWritten: boolean): Promise<Beginning> {
  const platters = Array.from({ length: scenario.nodeCount }, () => new Platter());
  const nothing: Beginning = { platters, emptyPlatters: platters, written: undefined };
  const quiet = { ...scenario, requests: [], crash: undefined };
  // The journal is emptied after each commit, so that everything lies in records.
  // What is drawn by chance here must not be drawn again in the runs that follow.
  const random = (name: string, run: number) => new SeededRandom(`beginning ${name} ${run}`);
  const world = new SmallWorld(quiet, nothing, { journalCount: 0, random, startedMs: 0 });
  await world.comeUp();
  const node = world.machines[0]!.node!;
  await world.naturally(node.initLayout(world.machines.map(({ name }) => name), { force: true }));
  let written: Beginning["written"];
  if (isWritten) {
    const value = { kind: "text", bytes: utf8(FIRST_VALUE) } as const;
    await world.naturally(node.put(utf8(KEY), value, { w: "all" }));
    const token = (await world.naturally(node.get(utf8(KEY)))).context()!;
    written = { write: world.draws[0]!, token };
  }
  await world.fly(NATURAL);
  world.end();
  return { platters: world.machines.map(({ platter }) => platter), emptyPlatters: [], written };
}
