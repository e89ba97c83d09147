// Everything that can happen in a story, step by step; story.ts tells how each is written.

import type { Machine } from "../sim/machine.ts";
import { finale } from "./finale.ts";
import { readRequest } from "./requests.ts";
import type { Asked } from "./people.ts";
import type { DiskState, Stage } from "./stage.ts";
import { tellLeftBehind } from "./strangers.ts";
import { readTimeMs } from "./stage_setting.ts";

/** Carries a step out; returns what was observed. */
type Act = (stage: Stage, ...words: string[]) => Promise<readonly string[]> | readonly string[];

/**
 * Carries out one step.
 *
 * @throws {SyntaxError} if there is no such step, or it cannot be taken here
 */
export async function carryOut(stage: Stage, text: string): Promise<readonly string[]> {
  for (const [pattern, act] of PATTERNS) {
    const words = pattern.exec(text);
    if (words === null) continue;
    const observed = await act(stage, ...words.slice(1));
    await stage.settle();
    return observed;
  }
  throw new SyntaxError(`There is no step such as "${text}"; see the head of story.ts`);
}

/** How long a condition may take to come true, in milliseconds. */
const PATIENCE_MS = 60_000;

const NODES = String.raw`(n\d+(?: n\d+)*)`;
const NODE = String.raw`(n\d+)`;
const TIME = String.raw`(\d+ m?s)`;
const NAME = '"([^"]+)"';

const STEPS: readonly (readonly [form: string, act: Act])[] = [
  [String.raw`(\w+) at ${NODE}: (.+)`, async (stage, person, node, request) => {
    return [await stage.hear(ask(stage, person!, node!, request!))];
  }],
  [String.raw`(\w+) at ${NODE} begins: (.+)`, (stage, person, node, request) => {
    stage.asked.set(person!, ask(stage, person!, node!, request!));
    return [];
  }],
  [String.raw`(\w+) hears`, async (stage, person) => {
    const asked = stage.asked.get(person!);
    if (asked === undefined) throw new SyntaxError(`${person} has begun nothing`);
    stage.asked.delete(person!);
    return [await stage.hear(asked)];
  }],

  [`cut ${NODES} from ${NODES}`, (stage, some, others) => {
    const ways = waysBetween(stage, some!, others!);
    stage.cut([...ways, ...ways.map(([from, to]) => [to, from] as const)]);
    return [];
  }],
  [`cut the way from ${NODES} to ${NODES}`, (stage, some, others) => {
    stage.cut(waysBetween(stage, some!, others!));
    return [];
  }],
  [`heal all ways`, async (stage) => {
    await stage.heal();
    return [];
  }],

  [`kill ${NODES}`, (stage, names) => {
    for (const machine of machinesOf(stage, names!)) stage.crash(machine, false);
    return [];
  }],
  [`kill ${NODE} once its disk holds ${NAME}`, async (stage, name, value) => {
    const machine = machineOf(stage, name!);
    const what = `${name} has "${value}" on its disk`;
    await stage.world.time.until(() => holds(stage, machine, value!), what, PATIENCE_MS);
    stage.crash(machine, false);
    return [];
  }],
  [`power off ${NODES}`, (stage, names) => {
    for (const machine of machinesOf(stage, names!)) stage.crash(machine, true);
    return [];
  }],
  [`from here on nodes are told to join ${NODES} alone`, (stage, names) => {
    const joins = machinesOf(stage, names!).map(({ name }) => `/memory/${name}`);
    for (const machine of stage.world.machines) machine.joins = joins;
    return [];
  }],
  [`start ${NODES}`, async (stage, names) => {
    const machines = machinesOf(stage, names!);
    await stage.start(machines);
    return machines.map(({ name, node }) => {
      const status = node?.status();
      return `${name} is ${status?.isReady ? "ready" : `not ready: ${status?.notReadyBecause}`}`;
    });
  }],
  [`strangers tell ${NODES} that they were left behind`, (stage, names) => {
    tellLeftBehind(stage.world, machinesOf(stage, names!));
    return [];
  }],
  [`a stranger starts a process under the name of ${NODE}`, async (stage, name) => {
    await stage.startNamesake(machineOf(stage, name!));
    return [];
  }],
  ["that process ends", async (stage) => {
    await stage.stopNamesake();
    return [];
  }],
  [`pause ${NODE}`, (stage, name) => {
    stage.pause(machineOf(stage, name!));
    return [];
  }],
  [`resume ${NODE}`, async (stage, name) => {
    await stage.resume(machineOf(stage, name!));
    return [];
  }],

  [`back up the disk of ${NODE} as ${NAME}`, (stage, name, backup) => {
    stage.backUp(machineOf(stage, name!), backup!);
    return [];
  }],
  [`restore the disk of ${NODE} from ${NAME}`, (stage, name, backup) => {
    const machine = stoppedOf(stage, name!);
    if (stage.restore(machine, backup!)) return [];
    throw new SyntaxError(`There is no backup "${backup}" of ${name}`);
  }],
  [`put an empty disk into ${NODE}`, (stage, name) => {
    stage.empty(stoppedOf(stage, name!));
    return [];
  }],
  [`put an empty disk into ${NODE}, whose key is lost too`, (stage, name) => {
    if (stage.emptyWithoutKey(stoppedOf(stage, name!))) return [];
    throw new SyntaxError(`A key of ${name} cannot be lost while ways are cut`);
  }],
  [`the disk of ${NODE} is (fine|slow|unreadable|full)`, (stage, name, state) => {
    stage.setDisk(machineOf(stage, name!), state as DiskState);
    return [];
  }],
  [`disks as ${NODE} hears of them`, (stage, name) => {
    const views = machineOf(stage, name!).node?.members() ?? [];
    return views.map(({ disk, node }) => `${node}: ${disk}`);
  }],
  [String.raw`a bit of (\S+) flips on the disk of ${NODE}`, (stage, key, name) => {
    if (stage.damage(machineOf(stage, name!), key!)) return [];
    throw new SyntaxError(`${name} has no record of ${key}: with caches it is in the journal`);
  }],
  [`the clock of ${NODE} is (right|${TIME} (ahead|behind))`, (stage, name, _, time, way) => {
    const offsetMs = time === undefined ? 0 : readTimeMs(time);
    machineOf(stage, name!).face.offsetMs = way === "behind" ? -offsetMs : offsetMs;
    return [];
  }],
  [`${TIME} pass`, async (stage, time) => {
    await stage.world.time.pass(readTimeMs(time!));
    return [];
  }],

  [String.raw`owners of (\S+)`, (stage, key) => {
    const { fallbacks, owners } = stage.placement(key!);
    return [`${owners.join(" ")}${fallbacks.length > 0 ? `, then ${fallbacks.join(" ")}` : ""}`];
  }],
  [String.raw`disks hold (\S+)`, (stage, key) => {
    const { owners } = stage.placement(key!);
    return stage.world.machines
      .map((machine) => ({ name: machine.name, held: stage.onDisk(machine, key!) }))
      .filter(({ name, held }) => owners.includes(name) || held !== "nothing")
      .map(({ name, held }) => `${name}: ${held}`);
  }],
  [`${NODE} sees`, (stage, name) => {
    const members = machineOf(stage, name!).node?.members() ?? [];
    return members.filter(({ isSelf }) => !isSelf)
      .map(({ isConnected, node, state }) => {
        return `${node} ${state}, ${isConnected ? "connected" : "not connected"}`;
      }).sort();
  }],
  [String.raw`when all is healed, of (\S+)`, (stage, key) => finale(stage, key!)],
];

const PATTERNS = STEPS.map(([form, act]) => [new RegExp(`^${form}$`), act] as const);

function ask(stage: Stage, person: string, node: string, request: string): Asked {
  if (stage.asked.has(person)) throw new SyntaxError(`${person} waits for an answer`);
  return stage.people.ask(person, machineOf(stage, node), readRequest(stage, request));
}

/** Whether the disk of a machine holds a value under any key. */
function holds(stage: Stage, machine: Machine, value: string): boolean {
  const write = stage.world.history.writeOf(value);
  if (write === undefined) return false;
  const { actor, time } = write.dot;
  return [...stage.world.onDisk(machine, write.key).opaque.siblings()]
    .some((dot) => dot.actor === actor && dot.time === time);
}

function waysBetween(stage: Stage, some: string, others: string): (readonly [Machine, Machine])[] {
  return machinesOf(stage, some).flatMap((from) =>
    machinesOf(stage, others).map((to) => [from, to] as const)
  );
}

function machinesOf(stage: Stage, names: string): Machine[] {
  return names.split(" ").map((name) => machineOf(stage, name));
}

function machineOf(stage: Stage, name: string): Machine {
  const machine = stage.world.machines.find((machine) => machine.name === name);
  if (machine === undefined) throw new SyntaxError(`There is no node ${name}`);
  return machine;
}

/** A disk is exchanged while nobody uses it. */
function stoppedOf(stage: Stage, name: string): Machine {
  const machine = machineOf(stage, name);
  if (machine.process?.isAlive === true) throw new SyntaxError(`${name} runs`);
  return machine;
}
