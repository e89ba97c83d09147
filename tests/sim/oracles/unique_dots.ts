// No dot is issued twice, and no actor outlives its run (I2).
//
// A context says "of this actor I have seen everything up to t". So the times of one actor strictly increase
// in the order in which they were drawn, across crashes, lost disks and old backups; and since a process
// that starts again may have forgotten what it drew, the dots of one actor come from one run of one
// process, and from one partition.

import type { Write } from "../history.ts";

/** What is wrong with the dots of a history, in the order in which they were drawn. */
export function dotProblems(writes: readonly Write[]): string[] {
  const problems: string[] = [];
  const last = new Map<string, Write>();
  for (const write of writes) {
    const { name, dot, node, run, partition } = write;
    const before = last.get(dot.actor);
    last.set(dot.actor, write);
    if (before === undefined) continue;
    if (before.dot.time >= dot.time) {
      problems.push(`Dot ${name} was drawn after ${before.name}`);
    }
    if (before.node !== node || before.run !== run) {
      const runs = `run ${before.run} of ${before.node} and run ${run} of ${node}`;
      problems.push(`Actor ${dot.actor} wrote in ${runs}`);
    }
    if (before.partition !== partition) {
      const both = `${before.partition} and ${partition}`;
      problems.push(`Actor ${dot.actor} wrote in partitions ${both}`);
    }
  }
  return problems;
}
