// A world in which nothing goes wrong: what the options of a failure are compared with, and what they are
// brought near to when it is made smaller.
//
// What a world cannot be without (how many nodes, keys and clients, for how long, with which levels)
// has no calm value and is always told.

import { DEFAULT_HINT_WINDOW_MS } from "../../src/replica/hint_window.ts";
import { FAULT_KINDS, type SimOptions } from "./options.ts";
import { differences, type Overrides } from "./overrides.ts";

export const CALM: Overrides = {
  replication: 3,
  namespaces: { wide: 0, thin: 0 },
  sharesPartition: false,
  burstCount: 1,
  thinkMs: 20,
  isStrict: false,
  compareMs: 5_000,
  hintWindowMs: DEFAULT_HINT_WINDOW_MS,
  ownLevelShare: 0,
  sessionShare: 0,
  cacheBytes: 1_000_000,
  journalCount: 8_192,
  delayMs: 1,
  publicationLoss: 0,
  diskMs: 0,
  clockOffsetMs: 0,
  driftPpm: 0,
  hostileMs: 400,
  faults: Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])),
  restartsCore: false,
  restartsAllAtHealing: false,
};

/** What is not calm about a world, one thing a line, for the reader of a failure. */
export function unrest(options: SimOptions): (readonly [name: string, value: string])[] {
  return Object.entries(differences(options, CALM)).map(([name, value]) => {
    if (typeof value !== "object") return [name, short(value)];
    const entries = Object.entries(value).filter(([, weight]) => weight !== 0);
    return [name, entries.map(([kind, weight]) => `${kind} ${short(weight)}`).join(", ") || "none"];
  });
}

/** Four digits are enough to read; the exact number is drawn again. */
function short(value: unknown): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
}
