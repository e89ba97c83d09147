// Makes a world that fails smaller for as long as it still fails.
//
// A smaller world is a shorter story: fewer kinds of faults, less work, fewer nodes, and everything that may
// be calm is calm. Each step proposes one smaller world; if that fails as well, it goes on from there. Every
// change also changes what chance does afterwards, so a step that fails no more may only have been unlucky:
// each is tried with a few seeds.
//
// Source: delta debugging (Zeller and Hildebrandt, 2002), greedy and without its promise of a minimum.

import { CALM } from "./calm_world.ts";
import { FAULT_KINDS, type OperationWeights, type SimOptions } from "./options.ts";
import { type Overrides, withOverrides } from "./overrides.ts";

/** How much may be spent on it. */
export interface ShrinkBudget {
  /** How many worlds may be tried. */
  readonly tries: number;
  /** How many seeds each step is tried with, the present one first. */
  readonly seedsPerStep: number;
  /** Whether to end at once, as when time is over. */
  isSpent?(): boolean;
}

export interface Shrunk {
  /** The smallest world found that fails; the given one if there is none. */
  readonly options: SimOptions;
  /** How many worlds were tried. */
  readonly tries: number;
  /** Whether no step makes it smaller, rather than the budget having come to its end. */
  readonly isSmallest: boolean;
}

/**
 * Looks for the smallest world that fails.
 *
 * @param options of a world that fails
 * @param fails whether another world fails in the same way
 */
export async function shrink(
  options: SimOptions,
  fails: (options: SimOptions) => Promise<boolean>,
  budget: ShrinkBudget,
): Promise<Shrunk> {
  let smallest = options;
  let tries = 0;
  const tried = new Set<string>();
  const isSpent = () => tries >= budget.tries || budget.isSpent?.() === true;
  const isSmaller = async (world: SimOptions) => {
    for (const seed of seedsFor(smallest.seed, budget.seedsPerStep)) {
      if (isSpent()) return false;
      const candidate = { ...world, seed };
      const name = JSON.stringify(candidate);
      if (tried.has(name)) continue;
      tried.add(name);
      tries++;
      if (!await fails(candidate)) continue;
      smallest = candidate;
      return true;
    }
    return false;
  };
  let before: SimOptions | undefined;
  while (before !== smallest) {
    before = smallest;
    for (const step of STEPS) {
      for (;;) {
        if (isSpent()) return { options: smallest, tries, isSmallest: false };
        const next = step(smallest);
        if (next === undefined || !await isSmaller(next)) break;
      }
    }
  }
  return { options: smallest, tries, isSmallest: !isSpent() };
}

/** A smaller world; undefined if this is the smallest in its way. */
type Step = (options: SimOptions) => SimOptions | undefined;

/** What makes the most difference first: whatever comes later is then tried in less time. */
const STEPS: readonly Step[] = [
  changes(CALM),
  halves("durationMs", 500),
  halves("coreMs", 500),
  changes({ namespaces: CALM.namespaces! }),
  changes({ faults: CALM.faults! }),
  ...FAULT_KINDS.map((kind) => changes({ faults: { [kind]: 0 } })),
  (options) => fewer(options, "nodeCount", options.replication),
  halves("clientCount", 1),
  (options) => fewer(options, "clientCount", 1),
  halves("keyCount", 1),
  (options) => fewer(options, "keyCount", 1),
  halves("requestsPerMinute", 30),
  (options) => {
    // Faults half as often, as long as there are some.
    const meanFaultMs = options.meanFaultMs * 2;
    return meanFaultMs * 2 <= options.durationMs ? { ...options, meanFaultMs } : undefined;
  },
  ...operationKinds().map((kind) => changes({ operations: { [kind]: 0 } })),
  ...Object.entries(CALM).filter(([name]) => name !== "faults")
    .map(([name, value]) => changes({ [name]: value })),
];

function changes(overrides: Overrides): Step {
  return (options) => {
    const next = withOverrides(options, overrides);
    return JSON.stringify(next) === JSON.stringify(options) ? undefined : next;
  };
}

function halves(
  name: "durationMs" | "coreMs" | "requestsPerMinute" | "clientCount" | "keyCount",
  least: number,
): Step {
  return (options) => {
    const half = Math.max(least, Math.floor(options[name] / 2));
    return half < options[name] ? { ...options, [name]: half } : undefined;
  };
}

/** One less. */
function fewer(
  options: SimOptions,
  name: "nodeCount" | "clientCount" | "keyCount",
  least: number,
): SimOptions | undefined {
  return options[name] > least ? { ...options, [name]: options[name] - 1 } : undefined;
}

/** What clients may do without; they always read and write. */
function operationKinds(): (keyof OperationWeights)[] {
  return ["getLoosely", "putStale", "putBlind", "deleteFresh", "deleteBlind"];
}

function seedsFor(present: number, count: number): number[] {
  const others = Array.from({ length: count }, (_, i) => i + 1).filter((seed) => seed !== present);
  return [present, ...others.slice(0, Math.max(0, count - 1))];
}
