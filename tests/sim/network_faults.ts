// What goes wrong between machines: connections that break, partitions of every shape, and links that lose,
// repeat, delay, disorder or damage what they carry.

import type { FaultAct, Scene } from "./faults.ts";
import type { LinkTrouble } from "./links.ts";
import type { Machine } from "./machine.ts";

/** One direction from one machine to another. */
type Way = readonly [from: Machine, to: Machine];

export const NETWORK_FAULTS = {
  reset: ({ dice, world }) => {
    const [a, b] = dice.some(world.machines, 2);
    world.network.breakConnection(a!.peerId, b!.peerId);
  },

  isolate: (scene) => {
    const machine = scene.dice.one(scene.world.machines);
    cut(scene, between([machine], others(scene, machine)), anyTime(scene));
  },

  halves: (scene) => {
    const { dice, world: { machines } } = scene;
    const half = dice.some(machines, 1 + dice.below(machines.length - 1));
    cut(scene, between(half, machines.filter((it) => !half.includes(it))), anyTime(scene));
  },

  /** Two halves that see each other only through the machine that both see. */
  bridge: (scene) => {
    const { dice, world: { machines } } = scene;
    const [, ...rest] = dice.some(machines, machines.length);
    const count = 1 + dice.below(rest.length - 1);
    cut(scene, between(rest.slice(0, count), rest.slice(count)), anyTime(scene));
  },

  oneWay: (scene) => {
    const { dice, world } = scene;
    const machine = dice.one(world.machines);
    const rest = others(scene, machine);
    const some = dice.some(rest, 1 + dice.below(rest.length));
    const ways: Way[] = some.map((other) =>
      dice.happens(0.5) ? [machine, other] : [other, machine]
    );
    const isSpeechless = dice.happens(0.5);
    const alike: Way[] = some.map((other) => isSpeechless ? [machine, other] : [other, machine]);
    cut(scene, dice.happens(0.3) ? ways : alike, anyTime(scene));
  },

  /** A link that is cut and healed again and again. */
  flapping: (scene) => {
    const { dice, world } = scene;
    const [a, b] = dice.some(world.machines, 2);
    const ways = between([a!], [b!]);
    const periodMs = dice.one([200, 2_000, 8_000]);
    let left = 2 + dice.below(5);
    const again = () => {
      if (scene.isOver() || left-- === 0) return;
      cut(scene, ways, periodMs / 2);
      world.time.after(periodMs, again);
    };
    again();
  },

  /** A link that stands still for a moment and then delivers everything at once. */
  clog: (scene) => {
    const { dice } = scene;
    cut(scene, [someWay(scene)], dice.between(50, 3_000));
  },

  slowLink: (scene) => trouble(scene, { slower: scene.dice.between(2, 50) }),
  loss: (scene) => trouble(scene, { lost: scene.dice.between(0, 0.3) }),
  duplication: (scene) => trouble(scene, { repeated: scene.dice.between(0, 0.5) }),
  reorder: (scene) => trouble(scene, { overtaken: scene.dice.between(0, 0.5) }),
  corruption: (scene) => trouble(scene, { damaged: scene.dice.between(0, 0.1) }),
} satisfies Record<string, FaultAct>;

/** Both directions between every machine of the one group and every one of the other. */
export function between(some: readonly Machine[], rest: readonly Machine[]): Way[] {
  return some.flatMap((a) => rest.flatMap((b): Way[] => [[a, b], [b, a]]));
}

/** Lets nothing pass on these ways for a while, forever if that is infinite. */
export function cut(
  scene: Scene,
  ways: readonly Way[],
  meanMs: number,
  healed: () => void = () => {},
): void {
  const { network, trace } = scene.world;
  const cuts = ways.map(([from, to]) => [from.peerId, to.peerId] as const);
  const names = ways.map(([from, to]) => `${from.name} > ${to.name}`).join(", ");
  trace.add(`cut ${names}`);
  for (const [from, to] of cuts) network.cut(from, to);
  scene.lasts(meanMs, () => {
    trace.add(`healed ${names}`);
    for (const [from, to] of cuts) network.heal(from, to);
    healed();
  });
}

/** Puts a trouble on one way, on all that lead to a machine, or on all there are. */
function trouble(scene: Scene, what: LinkTrouble): void {
  const { dice, world } = scene;
  const machine = dice.one(world.machines);
  const toIt = others(scene, machine).map((other): Way => [other, machine]);
  const ways = dice.one([[someWay(scene)], toIt, between(world.machines, world.machines)]);
  const names = ways.length > toIt.length ? "everywhere" : ways.map(([from, to]) => {
    return `${from.name} > ${to.name}`;
  }).join(", ");
  world.trace.add(`trouble ${JSON.stringify(what)} ${names}`);
  const undo = ways.map(([from, to]) => world.links.trouble(from.peerId, to.peerId, what));
  scene.lasts(dice.one([500, 3_000, 10_000]), () => {
    world.trace.add(`no more trouble ${names}`);
    for (const once of undo) once();
  });
}

function someWay({ dice, world }: Scene): Way {
  const [a, b] = dice.some(world.machines, 2);
  return [a!, b!];
}

function others({ world }: Scene, machine: Machine): Machine[] {
  return world.machines.filter((other) => other !== machine);
}

function anyTime({ dice }: Scene): number {
  return dice.one([500, 3_000, 20_000]);
}
