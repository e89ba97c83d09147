// Worlds that have found a defect, kept so that it stays mended.
//
// A world means what it meant only while options, faults and clients draw as they did; each defect has a test
// of its own beside the code that had it as well.
import { HONEST, joinOverrides, NO_NAMESPACES, onlyFaults } from "./overrides.ts";
import type { Recipe } from "./recipe.ts";

export interface Regression extends Recipe {
  readonly why: string;
}

/** Nobody is hostile in these, whatever their seeds would draw. */
const HONEST_WORLDS: readonly Regression[] = [
  {
    seed: 96,
    isCalm: true,
    with: {
      seed: 3,
      nodeCount: 3,
      clientCount: 1,
      durationMs: 33311,
      coreMs: 500,
      requestsPerMinute: 30,
      meanFaultMs: 16000,
      faults: { lostDisk: 0.24075604896061123 },
      operations: { getLoosely: 0, deleteFresh: 0 },
    },
    why: "a node whose disk was lost answered as though there had never been anything",
  },
  {
    seed: 10,
    isCalm: true,
    with: {
      seed: 2,
      nodeCount: 6,
      keyCount: 1,
      clientCount: 1,
      durationMs: 6478,
      coreMs: 500,
      requestsPerMinute: 30,
      meanFaultMs: 1000,
      faults: { lostDisk: 0.10262560539413244, clockJump: 0.3640576458070427 },
      operations: { getLoosely: 0, putStale: 0 },
    },
    why: "a node that lost its disk after its clock had been ahead was not heard for an hour",
  },
  {
    seed: 48,
    nodes: [4, 5],
    isCalm: true,
    with: {
      mergingPauseMs: 400,
      requestsPerMinute: 600,
      seed: 3,
      keyCount: 1,
      clientCount: 1,
      durationMs: 2279,
      coreMs: 500,
      burstCount: 3,
      diskMs: 2,
      meanFaultMs: 2000,
      operations: { getLoosely: 0, putBlind: 0, deleteFresh: 0, deleteBlind: 0 },
    },
    why: "what a failed commit had left on the disk of a stand-in stayed there",
  },
  {
    seed: 6161,
    with: {
      mergingPauseMs: 400,
      requestsPerMinute: 900,
      seed: 3,
      keyCount: 3,
      sessionShare: 0,
      sharesPartition: false,
      durationMs: 19854,
      coreMs: 500,
      isStrict: false,
      cacheBytes: 1000000,
      journalCount: 8192,
      publicationLoss: 0,
      clockOffsetMs: 0,
      driftPpm: 0,
      faults: { oneWay: 0 },
      operations: { putStale: 0, putBlind: 0 },
    },
    why: "a node was told once only that others remember a later run of it, and the word got lost",
  },
  {
    seed: 20062,
    with: { requestsPerMinute: 400, coreMs: 500, sessionShare: 0, cacheBytes: 1000000 },
    why:
      "a node that coordinated without owning the key ended when its disk failed and it stood in for nobody",
  },
  {
    seed: 3738,
    with: {
      mergingPauseMs: 400,
      requestsPerMinute: 400,
      keyCount: 2,
      sharesPartition: false,
      coreMs: 500,
      thinkMs: 20,
      isStrict: false,
      sessionShare: 0,
      journalCount: 8192,
      compareMs: 5000,
      clockOffsetMs: 0,
      faults: { isolate: 0, pause: 0, readErrors: 0 },
      restartsCore: false,
      restartsAllAtHealing: false,
    },
    why:
      "a node that was asked for a dead peer reached its successor by the same name, who was refused for good",
  },
  {
    seed: 589,
    with: { mergingPauseMs: 400, requestsPerMinute: 900 },
    why:
      "a write's word that it had replaced a value was forgotten as soon as it was said, while another owner had the value",
  },
  {
    seed: 7,
    with: {
      mergingPauseMs: 400,
      ...onlyFaults(["oldDisk"]),
      nodeCount: 3,
      keyCount: 40,
      requestsPerMinute: 600,
      burstCount: 3,
      meanFaultMs: 6_000,
      durationMs: 60_000,
      delayMs: 1,
      forgetAfterMs: 500,
      compareMs: 3_000,
      r: "quorum",
      w: "quorum",
      ownLevelShare: 0,
      operations: {
        get: 0.5,
        getLoosely: 0,
        putFresh: 1,
        putStale: 0,
        putBlind: 0.5,
        deleteFresh: 1,
        deleteBlind: 0.5,
      },
    },
    why:
      "an old disk brought back what was deleted and forgotten, as a later write of the same actor hid it",
  },
  {
    seed: 307,
    with: {
      mergingClientCount: 0,
      clientCount: 1,
      durationMs: 14_220,
      coreMs: 500,
      requestsPerMinute: 30,
      burstCount: 1,
      thinkMs: 20,
      sessionShare: 0,
      cacheBytes: 1_000_000,
      journalCount: 8_192,
      compareMs: 5_000,
      delayMs: 1,
      diskMs: 0,
      clockOffsetMs: 0,
      restartsCore: false,
    },
    why:
      "an old copy of a disk, put back twice while the clock was behind, began two runs with one incarnation",
  },
  {
    seed: 2258,
    with: {
      requestsPerMinute: 600,
      mergingClientCount: 0,
      sharesPartition: false,
      durationMs: 19_564,
      coreMs: 2_335,
      journalCount: 8_192,
      compareMs: 5_000,
      clockOffsetMs: 0,
      restartsCore: false,
      restartsAllAtHealing: false,
    },
    why:
      "a session was thought to go back whose read lacked what no disk had any more, below the floor",
  },
  {
    seed: 120098,
    with: {
      mergingPauseMs: 400,
      requestsPerMinute: 400,
      clientCount: 2,
      journalCount: 8_192,
      clockOffsetMs: 0,
      restartsAllAtHealing: false,
    },
    why:
      "an operation that its second coordinator found done was judged by the disks of the first alone",
  },
  {
    seed: 201940,
    with: { mergingPauseMs: 400, requestsPerMinute: 500 },
    why:
      "a disk that had rotted unseen was thought not to have an operation that was found done and needed no write",
  },
  {
    seed: 202589,
    with: { mergingPauseMs: 400, requestsPerMinute: 400 },
    why: "a disk was thought not to have an element because another of the same set had rotted",
  },
  {
    seed: 501139,
    with: {
      seed: 3,
      keyCount: 2,
      clientCount: 2,
      requestsPerMinute: 193,
      thinkMs: 20,
      faults: {
        reset: 0,
        halves: 0,
        bridge: 0,
        oneWay: 0,
        flapping: 0,
        clog: 0,
        crash: 0,
        slowDisk: 0,
        readErrors: 0,
        fullDisk: 0,
        bitFlip: 0,
        lostDisk: 0,
      },
      operations: { getLoosely: 0, deleteFresh: 0 },
      restartsAllAtHealing: false,
    },
    why: "a request waited for the disk of its coordinator for as long as that took",
  },
  {
    seed: 503935,
    with: { durationMs: 6_931, requestsPerMinute: 428 },
    why:
      "clients that had a third of a second for seven nodes far apart were thought to get nowhere",
  },
  {
    seed: 702833,
    with: { mergingPauseMs: 400, requestsPerMinute: 364 },
    why: "a request whose own copy failed late was given its whole time again at another owner",
  },
  {
    seed: 1003243,
    with: { mergingPauseMs: 1_000, requestsPerMinute: 440 },
    why: "edits of a document went on waiting though what they build on had come",
  },
  {
    seed: 3274,
    with: { mergingPauseMs: 400, requestsPerMinute: 495 },
    why:
      "a node that was told to stop forgot the deadlines of its requests and then waited for its disk",
  },
];

/** Nor has any key of these another number of copies than the layout says. */
const UNIFORM_WORLDS: readonly Regression[] = [
  ...HONEST_WORLDS.map((world) => ({ ...world, with: joinOverrides(HONEST, world.with ?? {}) })),
  {
    seed: 23,
    with: {
      hostileMs: 50,
      faults: { ...HONEST.faults, stranger: 1 },
    },
    why:
      "a node was not heard whose name a stranger had borne under the very incarnation of its present run",
  },
  {
    seed: 54,
    with: {
      hostileMs: 50,
      faults: { stranger: 1, ungreeted: 1, replay: 1, wrongMember: 1, forgedContext: 0 },
    },
    why:
      "a node that a stranger had called left behind under the name of a member waited for others to agree",
  },
];

/** Keys of these worlds have several numbers of copies. */
const NAMESPACED_WORLDS: readonly Regression[] = [];

export const REGRESSIONS: readonly Regression[] = [
  ...UNIFORM_WORLDS.map((world) => ({
    ...world,
    with: joinOverrides(NO_NAMESPACES, world.with ?? {}),
  })),
  ...NAMESPACED_WORLDS,
];
