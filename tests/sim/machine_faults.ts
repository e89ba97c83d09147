// What goes wrong with processes and clocks.

import type { FaultAct, Scene } from "./faults.ts";
import type { Machine } from "./machine.ts";
import { cut } from "./network_faults.ts";

export const MACHINE_FAULTS = {
  crash: (scene) => {
    const { dice, world } = scene;
    const machine = dice.one(world.machines);
    // A part of what it was just sending is lost, to some and not to others.
    for (const other of world.machines) {
      if (other === machine || dice.happens(0.5)) continue;
      world.network.breakConnection(machine.peerId, other.peerId);
    }
    machine.crash(dice.happens(0.5), keptShare(scene));
    startLater(scene, machine, dice.one([100, 2_000, 10_000]));
  },

  /** The process dies at one of its next calls of a port, before the call has its effect or after. */
  crashAtCall: (scene) => {
    const { dice, world } = scene;
    const machine = dice.one(world.machines);
    const isAfter = dice.happens(0.5);
    const callsLeft = dice.one([1, 10, 100]);
    world.trace.add(`${machine.name} dies ${isAfter ? "after" : "before"} call ${callsLeft}`);
    machine.dieAtCall({
      callsLeft,
      isAfter,
      die: () => {
        machine.crash(dice.happens(0.5), keptShare(scene));
        startLater(scene, machine, dice.one([100, 2_000, 10_000]));
      },
    });
    scene.lasts(5_000, () => machine.dieAtCall(undefined));
  },

  /** All machines lose their power at the same instant. */
  powerCut: (scene) => {
    const { dice, world } = scene;
    for (const machine of world.machines) machine.crash(true, keptShare(scene));
    for (const machine of world.machines) startLater(scene, machine, dice.one([0, 1_000, 5_000]));
  },

  restart: (scene) => {
    const machine = scene.dice.one(scene.world.machines);
    machine.stop(5_000);
    startLater(scene, machine, 10_000);
  },

  pause: (scene) => {
    const { dice, world } = scene;
    pause(scene, dice.one(world.machines), dice.one([200, 2_000, 10_000]));
  },

  clockJump: ({ dice, world }) => {
    const machine = dice.one(world.machines);
    machine.face.offsetMs = dice.one([-1, 1]) * dice.between(0, dice.one([500, 5_000, 3.6e6]));
    world.trace.add(`${machine.name} is off by ${machine.face.offsetMs.toFixed(0)} ms`);
  },
} satisfies Record<string, FaultAct>;

/** Starts a machine's process after a while, unless it runs by then. */
export function startLater(scene: Scene, machine: Machine, meanMs: number): void {
  scene.lasts(meanMs, () => machine.start());
}

/** A process that stands still hears nothing; what it has sent is on its way. */
export function pause(scene: Scene, machine: Machine, meanMs: number): void {
  const { process } = machine;
  if (process?.state !== "running") return;
  machine.pause();
  const others = scene.world.machines.filter((other) => other !== machine);
  cut(scene, others.map((other) => [other, machine]), meanMs, () => {
    if (machine.process === process) machine.resume();
  });
}

/** How much of what a disk was about to commit is on it after a crash. */
function keptShare({ dice }: Scene): number {
  return dice.one([0, dice.between(0, 1), 1]);
}
