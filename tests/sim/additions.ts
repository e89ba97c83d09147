// What became of what was added to counters, and of the ids under which it was tried.

import { pendingInSlots } from "../../src/crdt/map.ts";
import { COUNTER_KEY, MAP_KEY, type MergingClient } from "./merging_client.ts";
import type { World } from "./world.ts";

export interface Additions {
  /** How many were acknowledged. */
  readonly counted: number;
  /** How many ids the fullest disk has at the end. */
  readonly kept: number;
  /** How often something was tried again. */
  readonly repeated: number;
  /** How often that was refused, the time of the operation being over. */
  readonly late: number;
}

export function additionsOf(world: World, clients: readonly MergingClient[]): Additions {
  const kept = world.machines.map((machine) =>
    [COUNTER_KEY, MAP_KEY].reduce((sum, key) => {
      const { store } = world.onDisk(machine, key).values;
      return sum + pendingInSlots(store).count;
    }, 0)
  );
  const attempts = clients.flatMap((client) => client.attempts);
  return {
    counted: attempts.filter(({ kind, outcome }) => kind === "count" && outcome === "ok").length,
    kept: clients.length === 0 ? 0 : Math.max(...kept),
    repeated: clients.reduce((sum, { repetitions }) => sum + repetitions.tried, 0),
    late: clients.reduce((sum, { repetitions }) => sum + repetitions.late, 0),
  };
}
