// Whether the promises were kept, when all events of a small world have happened.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { messageOf } from "../../src/wire/errors.ts";
import { showOperation } from "../sim/history.ts";
import { convergenceProblems, type Copy } from "../sim/oracles/convergence.ts";
import { lostWriteProblems } from "../sim/oracles/lost_writes.ts";
import { readAfterWriteProblems } from "../sim/oracles/read_after_write.ts";
import { dotProblems } from "../sim/oracles/unique_dots.ts";
import { NATURAL } from "./pilot.ts";
import { KEY, PARTITION } from "./scenario.ts";
import type { SmallWorld } from "./small_world.ts";

/** What came of one order of events. */
export interface Verdict {
  /** Empty if every promise was kept. */
  readonly violations: readonly string[];
  /** How the requests ended and what is there at last, for comparisons. */
  readonly result: string;
  readonly events: readonly string[];
  readonly requests: readonly string[];
}

/** How often the key is read from all its owners before they must be the same. */
const READ_ROUNDS = 2;

/** Reads the key from all owners at each of them, and asks the oracles. */
export async function judge(world: SmallWorld): Promise<Verdict> {
  const { history, scenario } = world;
  const events = [...world.events];
  const violations = [...world.violations];
  await world.whenFilled();
  let values: string[] = [];
  for (let round = 1; round <= READ_ROUNDS; round++) {
    for (const { name, node } of world.machines) {
      try {
        const read = node!.get(utf8(KEY), { r: "all" });
        const { siblings } = await world.naturally(read);
        values = siblings.map(({ bytes }) => utf8Text(bytes)).sort();
      } catch (error) {
        violations.push(`A read from all owners at ${name} fails: ${messageOf(error)}`);
      }
      // Whoever lacked something is sent it after the read.
      await world.fly(NATURAL);
    }
  }
  const copies: Copy[] = world.machines.map(({ name, platter }) => {
    return { node: name, isOwner: true, object: platter.heldOf(PARTITION, utf8(KEY)) };
  });
  const { operations, writes } = history;
  violations.push(
    ...dotProblems(writes),
    ...lostWriteProblems(KEY, operations, writes, values),
    ...convergenceProblems(KEY, copies),
  );
  if (scenario.crash?.disk !== "emptied") {
    violations.push(...readAfterWriteProblems(KEY, operations, writes, scenario.nodeCount));
  }
  return {
    violations,
    result: [
      ...operations.map((it) => `${it.kind} ${it.value} ${it.outcome} [${it.siblings}]`).sort(),
      `[${values}]`,
      ...copies.map(({ object }) => object.encoded().toHex()),
    ].join("\n"),
    events,
    requests: operations.map(showOperation),
  };
}
