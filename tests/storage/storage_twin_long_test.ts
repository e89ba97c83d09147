// The engine beside a slow and obvious twin, under every order in which a disk may end or fail what was
// asked, with the power lost at any point.

import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, startsWithBytes, utf8, utf8Text } from "../../src/base/bytes.ts";
import {
  MISS,
  type ObjectCodec,
  openStorage,
  type Storage,
  type StorageStats,
  type StoredEntry,
} from "../../src/storage/storage.ts";
import { DiskImage, type MemoryDisk } from "../sim/memory_disk.ts";
import { flushed, Gate, partedCodec, textCodec, turns, valueCountOf } from "./fixtures.ts";

const KEYS = ["a", "aa", "ab", "b"].flatMap((key) =>
  [0, 1, 2].map((partition) => ({ partition, key: utf8(key), name: `${partition}/${key}` }))
);
const PIECE_BYTES = 4;

/** At most so large are the entries of the journal, and what they add to the memory table. */
const ENTRY_BYTES = 2000;
const TABLE_BYTES = 10_000;

/** Makes every object another. */
let version = 0;

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      at: fc.array(fc.nat(KEYS.length - 1), { minLength: 1, maxLength: 3 }),
      // Undefined removes; sizes go beyond one piece.
      size: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("get" as const), at: fc.nat(KEYS.length - 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("range" as const),
      partition: fc.nat(2),
      after: fc.option(fc.nat(KEYS.length - 1), { nil: undefined }),
      until: fc.nat(3),
      prefix: fc.option(fc.constantFrom("", "a", "ab", "c"), { nil: undefined }),
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      which: fc.nat(),
      how: fc.constantFrom(
        "well" as const,
        "well" as const,
        "well" as const,
        "before" as const,
        "after" as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      after: fc.constantFrom("crash" as const, "close" as const),
      keptCount: fc.nat(1),
    }),
  },
);

// Some bounds are passed all the time, some never.
const bounds = fc.record({
  cacheBytes: fc.constantFrom(0, 1300, 1_000_000),
  journalBytes: fc.constantFrom(0, 1500, 4000, 1_000_000),
  journalCount: fc.constantFrom(1, 3, 1000),
  journalPartBytes: fc.constantFrom(40, 1000),
  flushChanges: fc.constantFrom(1, 4, 100),
  knowsAbsence: fc.boolean(),
});

type Bounds = typeof bounds extends fc.Arbitrary<infer B> ? B : never;

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Change {
  readonly name: string;
  readonly object: string | undefined;
  /** What all changes of one batch share. */
  readonly batch: Promise<void>;
  outcome: "waiting" | "durable" | "failed";
}

type State = ReadonlyMap<string, string | undefined>;

/** What every key may be seen to hold, from the changes and how they ended. */
class Twin {
  readonly changes: Change[] = [];
  readonly #before: State;

  constructor(before: State) {
    this.#before = before;
  }

  durable(name: string): string | undefined {
    const last = this.changes.findLast((change) =>
      change.name === name && change.outcome === "durable"
    );
    return last === undefined ? this.#before.get(name) : last.object;
  }

  /** What a reader sees. */
  visible(name: string): string | undefined {
    const last = this.changes.findLast((change) => change.name === name);
    return last?.outcome === "waiting" ? last.object : this.durable(name);
  }

  /** What may be there after a crash: all that was acknowledged, and one batch that came after it or none. */
  afterCrash(): State[] {
    const durable = new Map(KEYS.map(({ name }) => [name, this.durable(name)]));
    const lastDurable = this.changes.findLastIndex(({ outcome }) => outcome === "durable");
    const unknown = this.changes.slice(lastDurable + 1);
    const batches = new Set(unknown.map(({ batch }) => batch));
    return [
      durable,
      ...[...batches].map((batch) => {
        const state = new Map(durable);
        for (const change of unknown) {
          if (change.batch === batch) state.set(change.name, change.object);
        }
        return state;
      }),
    ];
  }
}

/** A read under way, with all that it may answer for each key. */
class Watch {
  readonly seen = new Map<string, Set<string | undefined>>();

  constructor(readonly twin: Twin) {
    this.look();
  }

  look(): void {
    for (const { name } of KEYS) {
      const seen = this.seen.get(name) ?? new Set();
      this.seen.set(name, seen.add(this.twin.visible(name)));
    }
  }
}

Deno.test("the engine does what its twin does, whatever the disk does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 80 }),
      bounds,
      bounds,
      (...how) => runBesideTwin(textCodec, ...how),
    ),
    { numRuns: 12000 },
  );
});

Deno.test("the engine does what its twin does with objects in parts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 80 }),
      bounds,
      bounds,
      (...how) => runBesideTwin(partedCodec, ...how),
    ),
    { numRuns: 12000 },
  );
});

async function runBesideTwin(
  codec: ObjectCodec<string>,
  steps: readonly Step[],
  first: Bounds,
  second: Bounds,
): Promise<void> {
  const image = new DiskImage({ batchChanges: 30 });
  let run = await Run.start(codec, image, first, new Map());
  let startCount = 1;
  for (const step of steps) {
    if (step.kind === "restart") {
      const state = step.after === "crash" ? await run.crash(step.keptCount) : await run.close();
      run = await Run.start(codec, image, startCount++ % 2 === 0 ? first : second, state);
    } else {
      run.take(step);
    }
    run.check();
    await turns();
    run.check();
  }
  await checkRecords(codec, image, await run.close());
}

/** One run of a process on a disk. */
class Run {
  readonly #codec: ObjectCodec<string>;
  readonly #image: DiskImage;
  readonly #disk: MemoryDisk;
  readonly #gate: Gate;
  readonly #bounds: Bounds;
  readonly #storage: Storage<string>;
  readonly #twin: Twin;
  readonly #watches = new Set<Watch>();
  readonly #reads: Promise<void>[] = [];
  readonly #failures: unknown[] = [];
  readonly #atStart: StorageStats;

  static async start(
    codec: ObjectCodec<string>,
    image: DiskImage,
    bounds: Bounds,
    state: State,
  ): Promise<Run> {
    const gate = new Gate(["commit", "get", "range"]);
    const disk = image.open(gate);
    const storage = await openStorage(disk, codec, { ...bounds, pieceBytes: PIECE_BYTES });
    return new Run(codec, image, disk, gate, bounds, storage, new Twin(state));
  }

  constructor(
    codec: ObjectCodec<string>,
    image: DiskImage,
    disk: MemoryDisk,
    gate: Gate,
    bounds: Bounds,
    storage: Storage<string>,
    twin: Twin,
  ) {
    this.#codec = codec;
    this.#image = image;
    this.#disk = disk;
    this.#gate = gate;
    this.#bounds = bounds;
    this.#storage = storage;
    this.#atStart = storage.stats();
    this.#twin = twin;
  }

  take(step: Exclude<Step, { kind: "restart" }>): void {
    if (step.kind === "commit") {
      const object = step.size === undefined ? undefined : `${version++}`.padEnd(step.size, "-");
      for (const at of step.at) this.#commit(KEYS[at]!, object);
    } else if (step.kind === "get") {
      const { partition, key, name } = KEYS[step.at]!;
      this.#watch(this.#storage.get(partition, key), (object, { seen }) => {
        assert.ok(seen.get(name)!.has(object), `${name} was never ${object}`);
      });
    } else if (step.kind === "range") {
      this.#range(step);
    } else if (this.#gate.waiting.length > 0) {
      this.#gate.waiting[step.which % this.#gate.waiting.length]!.end(step.how);
    }
  }

  check(): void {
    for (const watch of this.#watches) watch.look();
    for (const { partition, key, name } of KEYS) {
      const known = this.#storage.peek(partition, key);
      if (known !== MISS) assert.equal(known, this.#twin.visible(name), name);
    }
    assert.deepEqual(this.#failures, []);
    this.#checkBounds();
  }

  /** Over twice a bound there is no commit: at most the one entry that has passed it. */
  #checkBounds(): void {
    const stats = this.#storage.stats();
    const { journalBytes, journalCount } = this.#bounds;
    const atMost = (name: keyof StorageStats, bound: number, entry: number) => {
      const limit = Math.max(this.#atStart[name], 2 * bound) + entry;
      assert.ok(stats[name] <= limit, `${name} is ${stats[name]}, over ${limit}`);
    };
    atMost("journalBytes", journalBytes, ENTRY_BYTES);
    atMost("memoryTableBytes", journalBytes, TABLE_BYTES);
    atMost("journalBatches", journalCount, 1);
  }

  /** Loses the power. Resolves with what is there afterwards. */
  async crash(keptCount: number): Promise<State> {
    this.#disk.crash(keptCount);
    return await recovered(this.#codec, this.#image, this.#twin);
  }

  async close(): Promise<State> {
    await this.#gate.endAll();
    await Promise.all(this.#reads);
    assert.deepEqual(this.#failures, []);
    const { pendingCount, pendingBytes } = this.#storage.stats();
    assert.deepEqual({ pendingCount, pendingBytes }, { pendingCount: 0, pendingBytes: 0 });
    await this.#storage.close();
    return await recovered(this.#codec, this.#image, this.#twin);
  }

  #commit({ partition, key, name }: typeof KEYS[number], object: string | undefined): void {
    // A text that is not known to be there may be any; an empty one lies in no parts.
    const before = version % 5 === 0 ? undefined : this.#twin.visible(name) ?? "";
    const batch = this.#storage.commit([{ partition, key, object, before }]);
    const change: Change = { name, object, batch, outcome: "waiting" };
    this.#twin.changes.push(change);
    batch.then(() => (change.outcome = "durable"), () => (change.outcome = "failed"));
  }

  #range(step: Extract<Step, { kind: "range" }>): void {
    const { partition, until, limit } = step;
    const after = step.after === undefined ? undefined : KEYS[step.after]!.key;
    const prefix = step.prefix === undefined ? undefined : utf8(step.prefix);
    const inRange = KEYS.filter((at) =>
      at.partition >= partition && at.partition <= until &&
      startsWithBytes(at.key, prefix ?? new Uint8Array()) &&
      (at.partition > partition || after === undefined || compareBytes(at.key, after) > 0)
    );
    const range = this.#storage.range({ partition, after }, until, prefix, limit);
    this.#watch(range, (entries, { seen }) => {
      checkRange(entries, limit, inRange.map(({ name }) => name), seen);
    });
  }

  #watch<R>(read: Promise<R>, check: (result: R, watch: Watch) => void): void {
    const watch = new Watch(this.#twin);
    this.#watches.add(watch);
    const ended = read.then((result) => {
      watch.look();
      check(result, watch);
    }, (error) => assert.equal(error.code, "disk_failed", String(error)));
    this.#reads.push(
      ended.catch((error) => void this.#failures.push(error)).finally(() =>
        this.#watches.delete(watch)
      ),
    );
  }
}

function checkRange(
  entries: readonly StoredEntry<string>[],
  limit: number,
  inRange: readonly string[],
  seen: ReadonlyMap<string, ReadonlySet<string | undefined>>,
): void {
  const names = entries.map(({ partition, key }) => `${partition}/${utf8Text(key)}`);
  assert.ok(entries.length <= limit);
  const order = [...inRange].sort();
  assert.deepEqual(names, order.filter((name) => names.includes(name)), "sorted, once, in range");
  // Beyond the last entry of a full answer nothing is said.
  const last = entries.length === limit ? names.at(-1)! : "~";
  for (const name of order) {
    if (name > last) continue;
    const entry = entries[names.indexOf(name)];
    assert.ok(seen.get(name)!.has(entry?.object), `${name} was never ${entry?.object}`);
  }
}

/** What a start finds on the disk, which must be one of the states that the twin allows. */
async function recovered(
  codec: ObjectCodec<string>,
  image: DiskImage,
  twin: Twin,
): Promise<State> {
  const storage = await openStorage(image.copy().open(), codec);
  const found = new Map<string, string | undefined>(KEYS.map(({ name }) => [name, undefined]));
  for (
    const { partition, key, object, corrupt } of await storage.range(
      { partition: 0 },
      9,
      undefined,
      99,
    )
  ) {
    assert.equal(corrupt, undefined);
    found.set(`${partition}/${utf8Text(key)}`, object);
  }
  const allowed = twin.afterCrash();
  assert.ok(
    allowed.some((state) => KEYS.every(({ name }) => state.get(name) === found.get(name))),
    `${[...found.entries()]} is none of ${
      allowed.map((state) => [...state.entries()]).join(" or ")
    }`,
  );
  for (const { partition, key, name } of KEYS) {
    assert.equal(await storage.get(partition, key), found.get(name), name);
  }
  return found;
}

/** Flushes the journal, and then only the records of a state must be there. */
async function checkRecords(
  codec: ObjectCodec<string>,
  image: DiskImage,
  state: State,
): Promise<void> {
  const storage = await openStorage(image.open(), codec, {
    journalBytes: 0,
    pieceBytes: PIECE_BYTES,
  });
  await storage.setMeta("end", undefined);
  await flushed(storage);
  await storage.close();
  let values = 0;
  for (const object of state.values()) {
    if (object !== undefined) values += valueCountOf(codec, object, PIECE_BYTES);
  }
  assert.equal(image.size, values, "no surplus pieces or parts");
  const fresh = await openStorage(image.open(), codec);
  for (const { partition, key, name } of KEYS) {
    assert.equal(await fresh.get(partition, key), state.get(name), name);
  }
}
