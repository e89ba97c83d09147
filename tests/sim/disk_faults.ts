// What goes wrong with disks, from slow ones to lost ones.
//
// What is destroyed stays within what the store promises to survive: an acknowledged write is on W disks, so in
// one world only the disks of the same W − 1 machines are lost, put back or damaged, as often as you like. A
// loss is then a defect.

import type { FaultAct, Scene } from "./faults.ts";
import type { DiskTrouble, Machine } from "./machine.ts";
import { startLater } from "./machine_faults.ts";
import { Platter } from "./platter.ts";

export const DISK_FAULTS = {
  slowDisk: (scene) => trouble(scene, "meanMs", scene.dice.between(50, 1_000)),
  writeErrors: (scene) => trouble(scene, "writeErrors", scene.dice.between(0.1, 1)),
  readErrors: (scene) => trouble(scene, "readErrors", scene.dice.between(0.1, 1)),
  fullDisk: (scene) => trouble(scene, "fullShare", 1),

  /** One bit of what is stored changes. */
  bitFlip: ({ dice, victims, world }) => {
    if (victims.length === 0) return;
    const machine = dice.one(victims);
    const entries = machine.platter.entries().filter(({ value }) => value.length > 0);
    if (entries.length === 0) return;
    const { key, value } = dice.one(entries);
    const bit = dice.below(8 * value.length);
    value[bit >>> 3]! ^= 1 << (bit & 7);
    machine.platter.isDamaged = true;
    machine.replacedAtMs = world.time.nowMs;
    world.trace.add(`${machine.name} has lost bit ${bit} of ${key[0]} ${key[1]}`);
  },

  lostDisk: (scene) => {
    const { dice, victims } = scene;
    if (victims.length === 0) return;
    const machine = dice.one(victims);
    machine.crash(dice.happens(0.5));
    // Sometimes the identity is lost with the data, and the node returns as another peer.
    const isNewPeer = dice.happens(0.5) && !scene.isAnythingLasting();
    machine.replaceDisk(new Platter(), isNewPeer ? machine.nextPeerId() : machine.peerId);
    startLater(scene, machine, dice.one([100, 5_000]));
  },

  /** The disk is pulled out of a running machine, which goes on for a while; then it gets an empty one. */
  pulledDisk: (scene) => {
    const { dice, victims } = scene;
    if (victims.length === 0) return;
    const machine = dice.one(victims);
    if (!machine.pullDisk()) return;
    scene.lasts(dice.one([500, 10_000]), () => {
      machine.crash(dice.happens(0.5));
      machine.replaceDisk(new Platter(), machine.peerId);
      startLater(scene, machine, dice.one([100, 5_000]));
    });
  },

  /** Takes a backup of a disk, or puts one back. */
  oldDisk: (scene) => {
    const { backups, dice, victims } = scene;
    if (victims.length === 0) return;
    const machine = dice.one(victims);
    const backup = backups.get(machine);
    if (backup === undefined) {
      backups.set(machine, { platter: machine.platter.copy(), peerId: machine.peerId });
      return;
    }
    if (backup.peerId !== machine.peerId) {
      backups.delete(machine);
      return;
    }
    machine.crash(dice.happens(0.5));
    machine.replaceDisk(backup.platter.copy(), backup.peerId);
    startLater(scene, machine, dice.one([100, 5_000]));
  },
} satisfies Record<string, FaultAct>;

function trouble(scene: Scene, kind: keyof DiskTrouble, amount: number): void {
  const { dice, world } = scene;
  setTrouble(scene, dice.one(world.machines), kind, amount, dice.one([500, 3_000]));
}

/** Something is wrong with a machine's disk for a while. */
export function setTrouble(
  scene: Scene,
  machine: Machine,
  kind: keyof DiskTrouble,
  amount: number,
  meanMs: number,
): void {
  const normal = kind === "meanMs" ? scene.world.options.diskMs : 0;
  machine.trouble[kind] = amount;
  scene.world.trace.add(`${machine.name} ${kind} ${amount.toFixed(2)}`);
  scene.lasts(meanMs, () => machine.trouble[kind] = normal);
}
