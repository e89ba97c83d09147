// One seed from beginning to end: a cluster comes up, things go wrong while clients work, everything is healed,
// and then it is asked whether the promises were kept.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { messageOf } from "../../src/wire/errors.ts";
import { type Additions, additionsOf } from "./additions.ts";
import { Client } from "./client.ts";
import { TICKS_PER_MS } from "../../src/causality/dot.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import type { NodeApi } from "../../src/node/api.ts";
import type { Machine } from "./machine.ts";
import { Core } from "./core.ts";
import { Faults } from "./faults.ts";
import { showOperation } from "./history.ts";
import { copiesOf, countOf, type FaultKind, type SimOptions } from "./options.ts";
import { convergenceProblems } from "./oracles/convergence.ts";
import { idleProblems } from "./oracles/liveness.ts";
import { lostWriteProblems } from "./oracles/lost_writes.ts";
import { readAfterWriteProblems } from "./oracles/read_after_write.ts";
import { counterProblem, setProblems } from "./oracles/merged_values.ts";
import { COUNTER_KEY, FIELDS, MAP_KEY, MergingClient, SET_KEY } from "./merging_client.ts";
import { sessionProblems, type SessionRate, sessionRate } from "./oracles/sessions.ts";
import { dotProblems } from "./oracles/unique_dots.ts";
import { TypedClient, typedProblems } from "./typed_client.ts";
import { World } from "./world.ts";
import { liveAtWrongClocks } from "./wrong_clock.ts";

/** What came of one seed. */
export interface SeedResult {
  readonly options: SimOptions;
  /** Empty if every promise was kept. */
  readonly violations: readonly string[];
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** Requests by their outcomes. */
  readonly outcomes: Readonly<Record<"ok" | "no" | "unknown", number>>;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly sessions: SessionRate;
  readonly additions: Additions;
  /** The last things that happened, for the reader of a failure. */
  lastEvents(count: number): string[];
  /** Every request and what it wrote, for the reader of a failure. */
  requests(): string[];
}

/** How often it is looked whether something has come true, in virtual milliseconds. */
const LOOK_EVERY_MS = 100;

/** How long a healed cluster may take to be whole again, in virtual milliseconds. */
const WHOLE_AGAIN_MS = 120_000;

/** How long the core may take until it has served every key, in virtual milliseconds. */
const CORE_MS = 90_000;

/** How long who is refused waits before it asks again. */
const INSISTENCE_MS = 300;

/** How long a node may have something under way without a moment's rest, in virtual milliseconds. */
const REST_MS = 40_000;

/** How long nodes that have forgotten may take to fill their copies, in virtual milliseconds. */
const FILLED_MS = 60_000;

/** How long a disk may take for that, in virtual milliseconds. */
const NOTED_MS = 1_000;

/** How long the copies of a healed cluster may take to become equal, in virtual milliseconds. */
const EQUAL_MS = 120_000;

/** How long they are watched then, in virtual milliseconds. */
const STAYS_EQUAL_MS = 3_000;

/** How long what was deleted may still lie about, in virtual milliseconds, in worlds that forget soon. */
const FORGOTTEN_MS = 60_000;
const FORGET_AFTER_MS_MOST = 10_000;

/** Runs a seed. */
export async function runSeed(
  options: SimOptions,
  print?: (line: string) => void,
): Promise<SeedResult> {
  const world = new World(options, print);
  const faults = new Faults(world);
  let clients: MergingClients = { merging: [], typed: [] };
  const rejected = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    world.violation(`A promise was rejected and nobody cared: ${stackOf(event.reason)}`);
  };
  globalThis.addEventListener("unhandledrejection", rejected);
  try {
    await comeUp(world);
    clients = await goWrong(world, faults);
    await recover(world);
    await becomeEqual(world);
    judge(world, await readAll(world));
    await tryAgain(world, clients.merging);
    await judgeMerging(world, clients);
    await forgetTheDead(world);
    await writeAlone(world);
    await liveAtWrongClocks(world);
    await leaveNothingOpen(world);
    if (world.hostility !== undefined) await startAgain(world);
  } catch (error) {
    world.violation(stackOf(error));
  } finally {
    globalThis.removeEventListener("unhandledrejection", rejected);
    for (const machine of world.machines) machine.crash(true);
  }
  const { operations } = world.history;
  const ended = (outcome: string) => operations.filter((it) => it.outcome === outcome).length;
  return {
    options,
    violations: world.violations,
    traceHash: world.trace.hash,
    virtualMs: world.time.nowMs,
    eventCount: world.time.eventCount,
    outcomes: { ok: ended("ok"), no: ended("no"), unknown: ended("unknown") },
    faults: faults.counts,
    sessions: sessionsOf(world),
    additions: additionsOf(world, clients.merging),
    lastEvents: (count) => world.trace.last(count),
    requests: () => operations.map(showOperation),
  };
}

/** All nodes start, find each other, and one of them makes the layout. */
async function comeUp(world: World): Promise<void> {
  const { machines, time } = world;
  for (const machine of machines) machine.start();
  const nodes = () => machines.map(({ node }) => node);
  await time.until(
    () => nodes().every((node) => node?.status().membersUp === machines.length),
    "all nodes see each other",
  );
  const first = machines[0]!.node!;
  const names = machines.map(({ name }) => name);
  // As an operator does, who is refused while a node does not see another yet.
  const ask = () => {
    first.initLayout(names, { force: true }).catch((error) => {
      world.trace.add(`no layout: ${messageOf(error)}`);
      if (first.ring() === undefined) time.after(1_000, ask);
    });
  };
  ask();
  await time.until(
    () => nodes().every((node) => node?.status().isReady === true),
    "all nodes are ready",
  );
  world.learnOwners(first);
}

/** Those that change values which merge. */
interface MergingClients {
  readonly merging: readonly MergingClient[];
  readonly typed: readonly TypedClient[];
}

/** Clients work while there are faults, and while only a core is healed; then all is, and they end. */
async function goWrong(world: World, faults: Faults): Promise<MergingClients> {
  const { machines, options, time } = world;
  const clients = Array.from({ length: options.clientCount }, (_, i) => {
    return new Client(world, `c${i + 1}`);
  });
  const merging = Array.from({ length: options.mergingClientCount }, (_, i) => {
    return new MergingClient(world, `m${i + 1}`, new Client(world, `m${i + 1}`));
  });
  const acknowledged: Uint8Array[] = [];
  const typed = Array.from({ length: options.mergingClientCount }, (_, i) => {
    return new TypedClient(world, `t${i + 1}`, new Client(world, `t${i + 1}`), acknowledged);
  });
  const all = [...clients, ...merging, ...typed];
  for (const client of all) {
    client.run().catch((error) => world.violation(stackOf(error)));
  }
  faults.start();
  await time.pass(options.durationMs);
  faults.stop();
  faults.undoAll();
  const isReplaced = machines.some(({ replacedAtMs }) => replacedAtMs >= 0);
  if (isReplaced || world.hostility !== undefined) await refill(world);
  await demandProgress(world, new Core(world, faults));
  heal(world, faults);
  await time.pass(1_000);
  for (const client of all) client.stop();
  const isBusy = () =>
    all.some((client) => client.isBusy) || world.hostility?.forger.isBusy === true;
  await time.until(() => !isBusy(), "all requests have ended");
  if (options.restartsAllAtHealing) {
    for (const machine of machines) machine.crash(true, 0.5);
    for (const machine of machines) machine.start();
  }
  return { merging, typed };
}

/**
 * A disk that was destroyed counts as lost until its node has filled it again: then more may fail. So does one of whose
 * node others remember a run that was a stranger's, under its name.
 */
async function refill(world: World): Promise<void> {
  const { machines } = world;
  for (const machine of machines) {
    machine.face.offsetMs = 0;
    machine.replaceIfDamaged();
    machine.start();
  }
  // Only who is seen by all has heard that others remember a later run of it.
  const isFilled = ({ node }: Machine) => {
    const status = node?.status();
    return status?.isReady === true && world.upCountAt(node!) === machines.length &&
      gaugeOf(node!, "filling_partitions_count") === 0;
  };
  const areFilled = () => machines.every(isFilled);
  const endMs = world.time.nowMs + FILLED_MS;
  while (await comesTrue(world, areFilled, endMs - world.time.nowMs)) {
    // That it is filled a node must have noted before it may die again.
    await world.time.pass(NOTED_MS);
    if (areFilled()) return;
  }
  const state = machines.map((machine) => machine.describe()).join("; ");
  world.violation(`Copies are not filled within ${FILLED_MS} virtual ms: ${state}`);
}

function gaugeOf(node: NodeApi, gauge: string): number | undefined {
  return node.measurements().find(({ name }) => name === gauge)?.value;
}

/** The healed core serves every key at every of its nodes, though all else stays as bad as it is. */
async function demandProgress(world: World, core: Core): Promise<void> {
  core.begin();
  const endMs = world.time.nowMs + world.options.coreMs;
  let waiting = 0;
  for (const machine of core.members) {
    const client = new Client(world, `core ${machine.name}`);
    for (const key of world.keys) {
      waiting++;
      client.insist(key, machine, INSISTENCE_MS).then(() => waiting--, (error) => {
        world.violation(stackOf(error));
      });
    }
  }
  try {
    await world.time.until(() => waiting === 0, "the core serves every key", CORE_MS);
    await world.time.pass(Math.max(0, endMs - world.time.nowMs));
  } catch (error) {
    const pending = world.pending().join("\n    ");
    world.violation(`No progress: ${messageOf(error)}; pending:\n    ${pending}`);
  }
}

/** Undoes everything that is wrong, for good. */
function heal(world: World, faults: Faults): void {
  world.trace.add("heals");
  world.links.isHealed = true;
  world.open = world.machines;
  faults.undoAll();
  for (const machine of world.machines) {
    machine.face.offsetMs = 0;
    machine.resume();
    machine.replaceIfDamaged();
    machine.start();
  }
}

/** A healed cluster is whole again without anybody's help. */
async function recover(world: World): Promise<void> {
  const { machines, time } = world;
  const problem = () => {
    for (const machine of machines) {
      const status = machine.node?.status();
      if (status === undefined) return `${machine.name} does not run`;
      if (!status.isReady) return `${machine.name} is not ready: ${status.notReadyBecause}`;
      const upCount = world.upCountAt(machine.node!);
      if (upCount < machines.length) return `${machine.name} sees ${upCount} up`;
    }
    return undefined;
  };
  if (!await comesTrue(world, () => problem() === undefined, WHOLE_AGAIN_MS)) {
    world.violation(`The cluster is not whole within ${WHOLE_AGAIN_MS} virtual ms: ${problem()}`);
  }
  await time.pass(1_000);
  world.membership.isHealed = true;
}

/**
 * Waits until the owners of every key have become the same by themselves, on their disks and in what each
 * answers, and stay so. A commit that failed may be on a disk that answers without it: the next comparison
 * levels that too.
 */
async function becomeEqual(world: World): Promise<void> {
  const { time } = world;
  const endMs = time.nowMs + EQUAL_MS;
  const onDisks = () => world.allKeys.flatMap((key) => copyProblems(world, key));
  for (;;) {
    const areEqual = () => world.allKeys.every((key) => copyProblems(world, key).length === 0);
    await comesTrue(world, areEqual, endMs - time.nowMs);
    await time.pass(STAYS_EQUAL_MS);
    const problems = [...onDisks(), ...await differentAnswers(world)];
    if (problems.length === 0) return;
    if (time.nowMs < endMs) continue;
    for (const problem of problems) world.violation(problem);
    return;
  }
}

/** Waits until a condition holds that is too dear to be asked after every event; false if it does not. */
async function comesTrue(
  { time }: World,
  condition: () => boolean,
  limitMs: number,
): Promise<boolean> {
  const endMs = time.nowMs + limitMs;
  while (!condition()) {
    if (time.nowMs >= endMs) return false;
    await time.pass(LOOK_EVERY_MS);
  }
  return true;
}

/** Reads every key from all its owners; returns the values by key. */
async function readAll(world: World): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const [i, key] of world.keys.entries()) {
    const { name, node } = world.machines[i % world.machines.length]!;
    const read = node?.get(utf8(key), { r: "all", strict: true, timeoutMs: 10_000 });
    const result = await settle(world, read, `a read of ${key} from all its owners at ${name}`);
    if (result === undefined) continue;
    found.set(key, result.siblings.map(({ bytes }) => utf8Text(bytes)).sort());
  }
  return found;
}

/**
 * What was deleted leaves nothing behind on any disk, once it has been remembered for long enough. Dots that a clock
 * drew which was ahead have to wait until all clocks have passed them.
 */
async function forgetTheDead(world: World): Promise<void> {
  const { forgetAfterMs } = world.options;
  if (forgetAfterMs > FORGET_AFTER_MS_MOST) return;
  const nowMs = world.machines[0]!.node?.nowMs() ?? 0;
  const isDead = (object: DataObject) =>
    !object.isEmpty && object.live(0).length === 0 &&
    object.latestTime() <= nowMs * TICKS_PER_MS;
  const left = () =>
    world.keys.flatMap((key) => {
      const holders = world.machines.filter((machine) => isDead(world.onDisk(machine, key)));
      return holders.map(({ name }) => `${key} at ${name}`);
    });
  const limitMs = forgetAfterMs + FORGOTTEN_MS;
  if (await comesTrue(world, () => left().length === 0, limitMs)) return;
  world.violation(`Not forgotten within ${limitMs} virtual ms: ${left().join(", ")}`);
}

function copyProblems(world: World, key: string): string[] {
  const owners = world.ownersOf(key);
  const copies = world.machines.map((machine) => ({
    node: machine.name,
    isOwner: owners.includes(machine),
    object: world.onDisk(machine, key),
  }));
  return convergenceProblems(key, copies);
}

/** What the owners of each key answer, each alone, if that is not the same. */
async function differentAnswers(world: World): Promise<string[]> {
  const problems: string[] = [];
  for (const key of world.keys) {
    const answers = new Map<string, string>();
    for (const { name, node } of world.ownersOf(key)) {
      const what = `a read of ${key} from ${name} alone`;
      const result = await settle(world, node?.get(utf8(key), { r: "one" }), what);
      if (result === undefined) continue;
      const values = result.siblings.map(({ bytes }) => utf8Text(bytes)).sort().join(" ");
      answers.set(`[${values}] ${result.context()}`, name);
    }
    if (answers.size > 1) problems.push(`${key}: owners answer ${[...answers].join("; ")}`);
  }
  return problems;
}

/** Lets time pass until a request at a healed cluster ends; that it fails is a violation. */
async function settle<T>(
  world: World,
  request: Promise<T> | undefined,
  what: string,
): Promise<T | undefined> {
  let isEnded = false;
  let result: T | undefined;
  const done = (async () => {
    try {
      result = await request;
      if (request === undefined) {
        world.violation(`The cluster is healed, and nobody is there: ${what}`);
      }
    } catch (error) {
      world.violation(`The cluster is healed, and yet ${what} fails: ${messageOf(error)}`);
    }
    isEnded = true;
  })();
  await world.time.until(() => isEnded, what);
  await done;
  return result;
}

function judge(world: World, found: ReadonlyMap<string, readonly string[]>): void {
  const { history, options } = world;
  const { operations, writes } = history;
  const problems = dotProblems(writes);
  // Who stands in for an owner does not know what the owner knew; and a node that does not know yet that its
  // disk is an old one answers with what is on it.
  const mayBeOld = options.faults.oldDisk > 0;
  for (const key of world.keys) {
    const ofKey = writes.filter((write) => write.key === key);
    problems.push(...lostWriteProblems(key, operations, ofKey, found.get(key) ?? []));
    problems.push(...sessionProblems(key, operations, ofKey));
    const copies = copiesOf(options, key);
    const mayStandIn = !options.isStrict && options.nodeCount > copies;
    if (mayBeOld || mayStandIn) continue;
    problems.push(...readAfterWriteProblems(key, operations, ofKey, copies));
  }
  for (const problem of problems) world.violation(problem);
}

/** Some of what was added to counters is tried once more, long after: it counts no more than before. */
async function tryAgain(world: World, merging: readonly MergingClient[]): Promise<void> {
  if (merging.length === 0) return;
  const tried = Promise.all(merging.map((client) => client.tryAgain()));
  await settle(world, tried, "what was added is tried again");
  await becomeEqual(world);
}

/** Every owner shows the same values that merge, and they are what was done to them. */
async function judgeMerging(world: World, { merging, typed }: MergingClients): Promise<void> {
  if (world.options.mergingClientCount === 0) return;
  const attempts = merging.flatMap((client) => client.attempts);
  const { nodeCount, r, replication, w } = world.options;
  const counted = countOf(r, replication) + countOf(w, replication);
  const mayStandIn = !world.options.isStrict && nodeCount > replication;
  const seesAll = counted > replication && !mayStandIn && world.options.faults.oldDisk === 0;
  const mergedAt = async (key: string, { name, node }: Machine) => {
    const what = `a read of ${key} from ${name} alone`;
    return (await settle(world, node?.get(utf8(key), { r: "one" }), what))?.merged;
  };
  for (const machine of world.ownersOf(COUNTER_KEY)) {
    const value = (await mergedAt(COUNTER_KEY, machine))?.valueOf("counter") ?? 0n;
    const problem = counterProblem(COUNTER_KEY, attempts, value);
    if (problem !== undefined) world.violation(problem);
  }
  for (const machine of world.ownersOf(MAP_KEY)) {
    const fields = await mergedAt(MAP_KEY, machine);
    for (const field of FIELDS) {
      const value = fields?.at(utf8(field)).valueOf("counter") ?? 0n;
      const problem = counterProblem(field, attempts, value);
      if (problem !== undefined) world.violation(problem);
    }
  }
  for (const machine of world.ownersOf(SET_KEY)) {
    const elements = (await mergedAt(SET_KEY, machine))?.valueOf("set") ?? [];
    for (const problem of setProblems(attempts, elements.map(utf8Text), seesAll)) {
      world.violation(problem);
    }
  }
  for (const problem of await typedProblems(world, typed, seesAll, mergedAt)) {
    world.violation(problem);
  }
}

function sessionsOf({ history, keys }: World): SessionRate {
  let [reads, wentBack] = [0, 0];
  for (const key of keys) {
    const writes = history.writes.filter((write) => write.key === key);
    const rate = sessionRate(key, history.operations, writes);
    reads += rate.reads;
    wentBack += rate.wentBack;
  }
  return { reads, wentBack };
}

/** Who reads, changes and writes alone replaces everything and leaves one value. */
async function writeAlone(world: World): Promise<void> {
  const client = new Client(world, "last");
  for (const key of world.keys) {
    const what = `${key} is written by one client alone`;
    const requests = await settle(world, client.rewrite(key, world.machines[0]!), what);
    const [, write, read] = requests!;
    if (read!.siblings.length === 1 && read!.siblings[0] === write!.value) continue;
    world.violation(`Not so that ${what}: ${requests!.map(showOperation).join("; ")}`);
  }
}

/** Nothing stays under way in a cluster that has nothing to do; comparisons come and go. */
async function leaveNothingOpen(world: World): Promise<void> {
  await world.time.pass(world.options.timeoutMs);
  for (const { name, node } of world.machines) {
    const problems = () => idleProblems(name, node?.measurements() ?? []);
    if (await comesTrue(world, () => problems().length === 0, REST_MS)) continue;
    for (const problem of problems()) world.violation(problem);
  }
}

/** Whoever has heard whatever hostile peers said starts again and shows what it showed before. */
async function startAgain(world: World): Promise<void> {
  world.trace.add("all start again");
  const before = await readAll(world);
  world.membership.isHealed = false;
  for (const machine of world.machines) machine.crash(false);
  for (const machine of world.machines) machine.start();
  await recover(world);
  const after = await readAll(world);
  for (const [key, values] of before) {
    const [shown, shows] = [values, after.get(key) ?? []].map((it) => it.join(" "));
    if (shown === shows) continue;
    world.violation(`${key} shows [${shows}] after all have started again, and [${shown}] before`);
  }
  const { endedAtMs, watch } = world.hostility!;
  watch.look();
  watch.judgeDisks();
  watch.judgeService(endedAtMs!);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
