// Every request ends in time, and leaves nothing behind (I14).
//
// A request ends by itself: within its timeout and the little that sweeps of deadlines and a slow disk add,
// as long as its coordinator runs. When nothing is asked for any more, nothing is under way any more: no
// request, no message that waits for an answer, no write that waits for the disk. And a cluster whose core is
// healed serves every key whose owners the core can ask, whatever goes on elsewhere.

import type { Measurement } from "../../../src/node/api.ts";
import { type Operation, showOperation } from "../history.ts";

/** How much longer than its timeout a request may take, in milliseconds. */
export const SLACK_MS = 1_000;

const IDLE_GAUGES = ["requests_in_flight_count", "rpcs_open_count", "storage_pending_count"];

/** What to say of a request that should have ended. */
export function lateProblem(operation: Operation): string {
  return `Does not end in time: ${showOperation(operation)}`;
}

/** What is under way at a node that has nothing to do. */
export function idleProblems(node: string, measurements: readonly Measurement[]): string[] {
  return IDLE_GAUGES.flatMap((gauge) => {
    const value = measurements.find(({ name }) => name === gauge)?.value;
    if (value === 0) return [];
    return `${node} has nothing to do, and yet ${gauge} is ${value ?? "not measured"}`;
  });
}
