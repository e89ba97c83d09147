// What kind of world a seed has: everything that is drawn once, before anything happens.
//
// Each kind of fault is off in half of the seeds and has a random weight in the others, since a fault that
// is always there hides what others would show (swarm testing: Groce et al., ISSTA 2012). Sizes and bounds are
// drawn small, so that rare paths are walked often.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { databaseKeyOf } from "../../src/base/database_key.ts";
import { DEFAULT_HINT_WINDOW_MS } from "../../src/replica/hint_window.ts";
import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import { TYPED_KINDS, type TypedKind } from "./typed_kinds.ts";
import { Dice } from "./dice.ts";

/** What comes from others than the nodes of the cluster, or makes no sense; see hostile/hostile_faults.ts. */
export const HOSTILE_KINDS = [
  "stranger",
  "ungreeted",
  "replay",
  "wrongMember",
  "forgedContext",
] as const;

export type HostileKind = typeof HOSTILE_KINDS[number];

/** Every other kind of fault, in the order in which they are drawn. */
export const HONEST_KINDS = [
  // Of the network.
  "reset",
  "isolate",
  "halves",
  "bridge",
  "oneWay",
  "flapping",
  "clog",
  "slowLink",
  "loss",
  "duplication",
  "reorder",
  "corruption",
  // Of the processes.
  "crash",
  "crashAtCall",
  "powerCut",
  "restart",
  "pause",
  // Of the disks.
  "slowDisk",
  "writeErrors",
  "readErrors",
  "fullDisk",
  "bitFlip",
  "lostDisk",
  "oldDisk",
  // Of the clocks.
  "clockJump",
  // Of the disks as well.
  "pulledDisk",
] as const;

/** Every kind of fault there is. */
export const FAULT_KINDS = [...HONEST_KINDS, ...HOSTILE_KINDS] as const;

export type FaultKind = typeof FAULT_KINDS[number];

/** The kinds of faults, each with its weight among those that happen; 0 is off. */
export type FaultWeights = Readonly<Record<FaultKind, number>>;

/** The kinds that destroy what is on a disk. */
export const DESTRUCTIVE_KINDS: readonly FaultKind[] = [
  "bitFlip",
  "lostDisk",
  "oldDisk",
  "pulledDisk",
];

/** The namespaces that there may be, one with more copies than the layout says and one with fewer. */
export const NAMESPACE_KINDS = ["wide", "thin"] as const;

export type NamespaceKind = typeof NAMESPACE_KINDS[number];

/** What clients do, each with its weight. */
export interface OperationWeights {
  readonly get: number;
  readonly getLoosely: number;
  readonly putFresh: number;
  readonly putStale: number;
  readonly putBlind: number;
  readonly deleteFresh: number;
  readonly deleteBlind: number;
}

export interface SimOptions {
  readonly seed: number;
  readonly nodeCount: number;
  readonly replication: number;
  readonly keyCount: number;
  /** How many copies the keys of two namespaces keep, if these are there: 0 is for none such. */
  readonly namespaces: Readonly<Record<NamespaceKind, number>>;
  /** Whether all keys lie in one partition, and so share actors. */
  readonly sharesPartition: boolean;
  readonly clientCount: number;
  /** How many clients change values that merge, besides. */
  readonly mergingClientCount: number;
  /** The mean pause of such a client between two changes of counters and sets, in milliseconds; of others, twice that. */
  readonly mergingPauseMs: number;
  /** Which other values they change, in worlds that have such clients: those whose weight is above 0. */
  readonly typedKinds: Readonly<Record<TypedKind, number>>;
  /** How long there are faults, in milliseconds. */
  readonly durationMs: number;
  /** How long only a core is healed, in milliseconds, and longer if it takes longer to serve every key. */
  readonly coreMs: number;
  /** How many requests the clients of plain values send in a minute, all together. */
  readonly requestsPerMinute: number;
  /** How many requests a client sends in one burst; all clients begin theirs at the same time. */
  readonly burstCount: number;
  /** The mean pause within a burst, in milliseconds. */
  readonly thinkMs: number;
  readonly r: QuorumLevel;
  readonly w: QuorumLevel;
  /** Whether only owners count, and nobody stands in for them. */
  readonly isStrict: boolean;
  /** How often a request names a level of its own. */
  readonly ownLevelShare: number;
  /** How many of the clients carry what they have seen with their reads, as a share of them. */
  readonly sessionShare: number;
  readonly timeoutMs: number;
  readonly cacheBytes: number;
  readonly journalCount: number;
  /** From which size on sets and maps lie in parts, in bytes. */
  readonly apartBytes: number;
  /** The mean pause between two comparisons of a node with others, in milliseconds. */
  readonly compareMs: number;
  /** How long tombstones are kept at the least, in milliseconds. */
  readonly forgetAfterMs: number;
  /** After how long a member that is down is left out of forgetting, in milliseconds. */
  readonly maxAbsenceMs: number;
  /** How long an owner may be away before nobody stands in for it any more, in milliseconds. */
  readonly hintWindowMs: number;
  readonly delayMs: number;
  readonly publicationLoss: number;
  readonly diskMs: number;
  /** How far clocks are off from the beginning, in milliseconds. */
  readonly clockOffsetMs: number;
  readonly driftPpm: number;
  readonly meanFaultMs: number;
  /** The mean pause between two things that hostile peers do, in milliseconds. */
  readonly hostileMs: number;
  readonly faults: FaultWeights;
  readonly operations: OperationWeights;
  /** Whether the nodes of the core start again when it is healed. */
  readonly restartsCore: boolean;
  /** Whether all nodes start again when everything is healed. */
  readonly restartsAllAtHealing: boolean;
}

/** For about how long nobody asks, while a world comes up, heals and is judged, in milliseconds. */
const QUIET_MS = 22_000;

/** Draws the options of a seed. */
export function drawOptions(seed: number, nodeCounts: readonly number[] = []): SimOptions {
  const dice = new Dice(seed, "options");
  const weight = () => dice.happens(0.5) ? 0 : dice.between(0.1, 1);
  const nodeCount = dice.one([3, 3, 3, 4, 5, 7]);
  const [r, w] = dice.one(LEVELS);
  const ownLevelShare = dice.one([0, 0, 0.2]);
  const pulled = new Dice(seed, "pulled disk");
  const weightOf = (kind: FaultKind) => {
    if (kind !== "pulledDisk") return weight();
    return pulled.happens(0.7) ? 0 : pulled.between(0.1, 1);
  };
  const honest = HONEST_KINDS.map((kind) => [kind, weightOf(kind)]);
  const faults: Record<FaultKind, number> = { ...Object.fromEntries(honest), ...drawHostile(seed) };
  // A disk that is lost may take what was written to one disk only: such worlds keep theirs.
  const mayLoseDisks = w !== "one" && ownLevelShare === 0;
  if (!mayLoseDisks) { for (const kind of DESTRUCTIVE_KINDS) faults[kind] = 0; }
  const options: SimOptions = {
    seed,
    nodeCount: nodeCounts.length > 0 ? dice.one(nodeCounts) : nodeCount,
    replication: 3,
    keyCount: dice.one([1, 1, 2, 3, 4, 4, 40]),
    namespaces: { wide: 0, thin: 0 },
    sharesPartition: dice.happens(0.5),
    clientCount: dice.one([3, 4, 5]),
    mergingClientCount: new Dice(seed, "merging").one([0, 0, 1, 2]),
    mergingPauseMs: new Dice(seed, "merging pause").one([400, 1_000, 1_000, 2_000]),
    typedKinds: drawKinds(seed),
    durationMs: Math.round(dice.between(8_000, 40_000)),
    coreMs: Math.round(dice.between(2_000, 15_000)),
    // For each minute of the world, also those in which nobody asks: enough that clients collide. What more
    // requests find, more worlds find in the same time.
    requestsPerMinute: dice.one([250, 250, 310]),
    burstCount: dice.one([1, 3, 10]),
    thinkMs: dice.one([5, 20, 100]),
    r,
    w,
    isStrict: dice.happens(0.4),
    ownLevelShare,
    sessionShare: new Dice(seed, "sessions").one([0, 0, 0.5, 1]),
    timeoutMs: Math.round(dice.between(300, 4_000)),
    cacheBytes: dice.one([0, 200, 1_000_000]),
    journalCount: dice.one([1, 3, 10, 120, 8_192]),
    apartBytes: new Dice(seed, "apart").one([20, 100, 8_192]),
    compareMs: dice.one([3_000, 8_000]),
    forgetAfterMs: new Dice(seed, "forgetting").one([500, 2_000, 10_000, 300_000]),
    maxAbsenceMs: 1e12,
    // Longer than any world lasts: every core shall serve every key, with whoever stands in.
    hintWindowMs: DEFAULT_HINT_WINDOW_MS,
    delayMs: dice.one([1, 10, 60]),
    publicationLoss: dice.one([0, 0, 0.2]),
    diskMs: dice.one([0, 2, 20]),
    clockOffsetMs: dice.one([0, 100, 600]),
    driftPpm: dice.one([0, 100, 1_000]),
    meanFaultMs: dice.one([500, 2_000, 6_000]),
    hostileMs: new Dice(seed, "hostile pause").one([30, 100, 400]),
    faults,
    operations: {
      get: dice.between(0.2, 1),
      getLoosely: weight(),
      putFresh: dice.between(0.1, 1),
      putStale: weight(),
      putBlind: weight(),
      deleteFresh: weight() / 2,
      deleteBlind: weight() / 2,
    },
    restartsCore: dice.happens(0.5),
    restartsAllAtHealing: dice.happens(0.5),
  };
  const { coreMs, durationMs, requestsPerMinute } = options;
  const namespaces = drawNamespaces(seed, options.nodeCount);
  // Clients ask while there are faults, and while a core is healed.
  const share = (durationMs + coreMs) / (durationMs + coreMs + QUIET_MS);
  return { ...options, namespaces, requestsPerMinute: Math.round(requestsPerMinute / share) };
}

/** How many owners a level means; the simulated clusters have no others. */
export function countOf(level: QuorumLevel, owners: number): number {
  switch (level) {
    case "one":
      return 1;
    case "quorum":
      return Math.floor(owners / 2) + 1;
    case "all":
      return owners;
    default:
      return level;
  }
}

/** Reads and writes of a world, with and without R + W > N. */
const LEVELS: readonly (readonly [QuorumLevel, QuorumLevel])[] = [
  ["quorum", "quorum"],
  ["quorum", "quorum"],
  ["quorum", "quorum"],
  ["one", "all"],
  ["all", "one"],
  ["one", "quorum"],
  ["quorum", "one"],
  ["one", "one"],
];

/** Half of the worlds know no hostile peers. In the others one kind is there for certain, each other one in half. */
function drawHostile(seed: number): Record<HostileKind, number> {
  const dice = new Dice(seed, "hostile");
  const isOn = dice.happens(0.5);
  const certain = dice.one(HOSTILE_KINDS);
  const weights = HOSTILE_KINDS.map((kind) => {
    const weight = dice.happens(0.5) ? 0 : dice.between(0.1, 1);
    return [kind, !isOn ? 0 : kind === certain ? 1 : weight];
  });
  return Object.fromEntries(weights);
}

/** Whether anybody in such a world is hostile. */
export function isHostile({ faults }: SimOptions): boolean {
  return HOSTILE_KINDS.some((kind) => faults[kind] > 0);
}

/** Two worlds of five have namespaces. */
function drawNamespaces(seed: number, nodeCount: number): SimOptions["namespaces"] {
  const dice = new Dice(seed, "namespaces");
  if (!dice.happens(0.4)) return { wide: 0, thin: 0 };
  const more = [4, 5, 7].filter((copies) => copies <= nodeCount);
  const wide = more.length === 0 ? 0 : dice.one([0, ...more, ...more]);
  // One copy is lost with its disk, whoever answers.
  return { wide, thin: wide === 0 ? 2 : dice.one([0, 2]) };
}

/** All numbers of copies that keys of such a world have. */
export function copiesIn({ namespaces, nodeCount, replication }: SimOptions): number[] {
  const named = NAMESPACE_KINDS.map((kind) => namespaces[kind]).filter((copies) => copies > 0);
  return [replication, ...named].map((copies) => Math.min(copies, nodeCount));
}

/** In which namespace a key is, of whatever database; undefined if in none. */
export function namespaceOf(key: string): NamespaceKind | undefined {
  const plain = utf8Text(databaseKeyOf(utf8(key)).key);
  return NAMESPACE_KINDS.find((kind) => plain.startsWith(`${kind}:`));
}

/** How many copies a key has. */
export function copiesOf(options: SimOptions, key: string): number {
  const kind = namespaceOf(key);
  const copies = kind === undefined ? 0 : options.namespaces[kind];
  return Math.min(copies || options.replication, options.nodeCount);
}

/** Two kinds for each world, so that they are changed often. */
function drawKinds(seed: number): SimOptions["typedKinds"] {
  const drawn = new Dice(seed, "typed kinds").some(TYPED_KINDS, 2);
  const weights = TYPED_KINDS.map((kind) => [kind, drawn.includes(kind) ? 1 : 0]);
  return Object.fromEntries(weights) as Record<TypedKind, number>;
}
