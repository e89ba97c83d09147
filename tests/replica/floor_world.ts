// What tests of floors do again and again in a RepairWorld: write at all owners, delete, agree, forget.

import { utf8 } from "../../src/base/bytes.ts";
import { type HybridTime, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { WORLD_BEGIN_MS } from "../sim/virtual_clock.ts";
import {
  FORGET_AFTER_MS,
  type MethodName,
  RepairWorld,
  textOf,
  type WorldSettings,
} from "./repair_world.ts";

/** A world in which every node hands over what it keeps, and has searched its disk for it. */
export async function lookedWorld(settings: WorldSettings): Promise<RepairWorld> {
  const world = await RepairWorld.of(settings);
  for (const name of settings.names) await startHandOff(world, name);
  return world;
}

/** A node begins to hand over, and has searched its disk when this ends. */
export async function startHandOff(world: RepairWorld, name: string): Promise<void> {
  const { handOff } = world.node(name);
  handOff.start();
  await world.time.until(() => handOff.hasLooked, "the disk is searched");
}

/** Puts a value, or a tombstone, in place of what there is, at one owner of a key alone. */
export async function putAt(
  world: RepairWorld,
  name: string,
  key: string,
  text: string | null,
): Promise<DataObject> {
  const { durable, ended, object } = await world.node(name).replica.coordinate(
    world.partitionOf(key),
    utf8(key),
    undefined,
    (held, nextDot) => {
      const value = text === null ? null : textOf(text);
      return held.write(nextDot(held.latestTime()), value, undefined, undefined);
    },
  );
  await durable;
  ended();
  return object;
}

/** The same at the first owner of a key, and all the others are given it. */
export async function putAtAll(
  world: RepairWorld,
  key: string,
  text: string | null,
): Promise<DataObject> {
  const [first, ...others] = world.ownersOf(key);
  const object = await putAt(world, first!, key, text);
  for (const other of others) await world.give(other, key, object);
  return object;
}

/** Writes a key at all of its owners, deletes it, and lets so much time pass that it may be forgotten. */
export async function deletedAtAll(world: RepairWorld, key: string): Promise<DataObject> {
  const object = await putAtAll(world, key, "gone");
  await putAtAll(world, key, null);
  await world.time.pass(FORGET_AFTER_MS + 1);
  return object;
}

/** The first owner of a key goes round; returns how many floors it has raised. */
export function goRound(world: RepairWorld, key: string): Promise<number> {
  return world.settle(world.node(firstOf(world, key)).floorRounds.run());
}

/** The first owner of the partition of a key, whatever its namespace. */
export function firstOf(world: RepairWorld, key: string): string {
  return world.placement.owners(world.partitionOf(key))[0]!;
}

/** The floors of the partition of a key at these nodes. */
export function floorsAt(
  world: RepairWorld,
  key: string,
  names: readonly string[],
): HybridTime[] {
  return names.map((name) =>
    world.node(name).floors.floorOf(
      world.node(name).replica.partOf(world.partitionOf(key), utf8(key)),
    )
  );
}

/** Those of the nodes that hold anything of a key. */
export async function holdersOf(world: RepairWorld, key: string): Promise<string[]> {
  const holders: string[] = [];
  for (const name of world.nodes.keys()) {
    if (!(await world.read(name, key)).isEmpty) holders.push(name);
  }
  return holders;
}

/** Waits until nobody holds anything of a key. */
export async function forgotten(world: RepairWorld, key: string): Promise<void> {
  await world.until(async () => (await holdersOf(world, key)).length === 0, `${key} is forgotten`);
}

/** Keys that lie in the partition of another one. */
export function keysBeside(
  world: RepairWorld,
  key: string,
  count: number,
  prefix?: string,
): string[] {
  const partition = world.partitionOf(key);
  return world.keysWhere((it) => it !== key && world.partitionOf(it) === partition, count, prefix);
}

/** A time that lies below the next floor, or so many times as far back as things are kept at the least. */
export function longAgo(world: RepairWorld, times = 1): HybridTime {
  const nowMs = WORLD_BEGIN_MS + Math.floor(world.time.nowMs);
  return (nowMs - times * FORGET_AFTER_MS - 500) * TICKS_PER_MS;
}

/** A write of somebody who is not here, as old as a time. */
export function writeOfOld(time: HybridTime, text = "old"): DataObject {
  return DataObject.empty.write({ actor: "n9~old", time }, textOf(text), undefined, undefined);
}

/** Sends a store from one node to another, as whoever coordinates a write does. */
export async function store(
  world: RepairWorld,
  from: string,
  to: string,
  key: string,
  object: DataObject,
): Promise<void> {
  const { id } = world.placement.layout;
  const message = [id, world.partitionOf(key), utf8(key), object.encoded()];
  await world.settle(world.node(from).rpc.call(to, METHODS.store, message, 1_000));
}

/** Keeps an object at a node that does not own it. */
export async function keepAt(
  world: RepairWorld,
  keeper: string,
  key: string,
  object: DataObject,
): Promise<void> {
  await world.node(keeper).handOff.keep(
    world.ownersOf(key)[0]!,
    world.partitionOf(key),
    utf8(key),
    object,
  );
}

/** How many records lie on the disk of a node. */
export function recordCount(world: RepairWorld, name: string): number {
  return world.images.get(name)!.entries().filter(({ key: [table] }) => table === "o").length;
}

/** Lets a node hold up the requests of one kind until they are released. */
export function holdUp(world: RepairWorld, name: string, method: MethodName) {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isHeld = false;
  world.trouble(name).serving = (called) => {
    if (called !== method) return;
    isHeld = true;
    return promise;
  };
  const reached = () => world.time.until(() => isHeld, `${name} is asked for ${method}`);
  const release = () => {
    world.trouble(name).serving = () => {};
    resolve();
  };
  return { reached, release };
}

/** Lets a node refuse the requests of one kind, until what this returns is called. */
export function refuse(world: RepairWorld, name: string, method: MethodName): () => void {
  world.trouble(name).serving = (called) => {
    if (called === method) throw new DenamoError("stopped", "no", `${name} refuses ${method}`);
  };
  return () => world.trouble(name).serving = () => {};
}
