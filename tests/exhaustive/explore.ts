// Runs a scenario in all orders that an explorer thinks of.

import { violationKind } from "../sim/violation_kind.ts";
import { beginningOf } from "./beginning.ts";
import type { Explorer } from "./every_order.ts";
import { judge, type Verdict } from "./judge.ts";
import type { Scenario } from "./scenario.ts";
import { SmallWorld, type Variation } from "./small_world.ts";

/** What came of all orders. */
export interface Exploration {
  /** Orders that were run to their end. */
  orderCount: number;
  /** Orders that were given up because others like them had been run. */
  givenUpCount: number;
  /** Orders that broke a promise. */
  brokenCount: number;
  /** The first of them. */
  firstBroken: Verdict | undefined;
  /** In how many ways promises were broken; see violation_kind.ts. */
  readonly brokenKinds: Set<string>;
  /** In how many ways it ended. */
  readonly results: Set<string>;
  /** Whether no order is left. */
  isComplete: boolean;
}

export interface ExploreOptions {
  readonly variation?: Variation | undefined;
  /** Asked after each order. */
  readonly isEnough?: ((so: Exploration) => boolean) | undefined;
}

/** Runs a scenario in one order after the other. */
export async function explore(
  scenario: Scenario,
  explorer: Explorer,
  { variation, isEnough = () => false }: ExploreOptions = {},
): Promise<Exploration> {
  const beginning = await beginningOf(scenario);
  const done: Exploration = {
    orderCount: 0,
    givenUpCount: 0,
    brokenCount: 0,
    firstBroken: undefined,
    brokenKinds: new Set(),
    results: new Set(),
    isComplete: false,
  };
  do {
    const world = new SmallWorld(scenario, beginning, variation);
    await world.comeUp();
    world.prepare();
    if (await world.fly(explorer)) {
      const verdict = await judge(world);
      done.orderCount++;
      done.results.add(verdict.result);
      if (verdict.violations.length > 0) {
        done.brokenCount++;
        done.firstBroken ??= verdict;
        for (const violation of verdict.violations) {
          done.brokenKinds.add(violationKind(violation));
        }
      }
    } else {
      done.givenUpCount++;
    }
    world.end();
    if (!explorer.next()) done.isComplete = true;
  } while (!done.isComplete && !isEnough(done));
  return done;
}
