// The engine beside a slow and obvious twin, under every order in which a disk may end or fail what was asked.

import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes, startsWithBytes, utf8, utf8Text } from "../../src/base/bytes.ts";
import { MISS, openStorage, type Storage, type StoredEntry } from "../../src/storage/storage.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { Gate, textCodec, turns } from "./fixtures.ts";

const KEYS = ["a", "aa", "ab", "b"].flatMap((key) =>
  [0, 1, 2].map((partition) => ({ partition, key: utf8(key), name: `${partition}/${key}` }))
);
const PIECE_BYTES = 4;

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
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Change {
  readonly name: string;
  readonly object: string | undefined;
  outcome: "waiting" | "durable" | "failed before" | "failed after";
}

/** What every key may be seen to hold, from the changes and how they ended. */
class Twin {
  readonly changes: Change[] = [];

  /** What the disk holds. */
  durable(name: string): string | undefined {
    return this.changes.findLast((change) =>
      change.name === name && (change.outcome === "durable" || change.outcome === "failed after")
    )?.object;
  }

  /** What a reader sees. */
  visible(name: string): string | undefined {
    const last = this.changes.findLast((change) => change.name === name);
    return last?.outcome === "waiting" ? last.object : this.durable(name);
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
      fc.constantFrom(0, 1300, 1_000_000),
      runBesideTwin,
    ),
    { numRuns: 500 },
  );
});

async function runBesideTwin(steps: readonly Step[], cacheBytes: number): Promise<void> {
  const image = new DiskImage({ batchChanges: 30 });
  const gate = new Gate(["commit", "get", "range"]);
  const storage = openStorage(image.open(gate), textCodec, { cacheBytes, pieceBytes: PIECE_BYTES });
  const twin = new Twin();
  const watches = new Set<Watch>();
  const reads: Promise<void>[] = [];
  const failures: unknown[] = [];
  let version = 0;

  const watch = <R>(read: Promise<R>, check: (result: R, watch: Watch) => void) => {
    const watching = new Watch(twin);
    watches.add(watching);
    const ended = read.then((result) => {
      watching.look();
      check(result, watching);
    }, (error) => assert.equal(error.code, "disk_failed", String(error)));
    reads.push(
      ended.catch((error) => void failures.push(error)).finally(() => watches.delete(watching)),
    );
  };

  const run = (step: Step) => {
    if (step.kind === "commit") {
      const object = step.size === undefined ? undefined : `${version++}`.padEnd(step.size, "-");
      for (const at of step.at) commit(storage, twin, KEYS[at]!, object);
    } else if (step.kind === "get") {
      const { partition, key, name } = KEYS[step.at]!;
      watch(storage.get(partition, key), (object, { seen }) => {
        assert.ok(seen.get(name)!.has(object), `${name} was never ${object}`);
      });
    } else if (step.kind === "range") {
      const { partition, until, limit } = step;
      const after = step.after === undefined ? undefined : KEYS[step.after]!.key;
      const prefix = step.prefix === undefined ? undefined : utf8(step.prefix);
      const inRange = KEYS.filter((at) =>
        at.partition >= partition && at.partition <= until &&
        startsWithBytes(at.key, prefix ?? new Uint8Array()) &&
        (at.partition > partition || after === undefined || compareBytes(at.key, after) > 0)
      );
      watch(storage.range({ partition, after }, until, prefix, limit), (entries, { seen }) => {
        checkRange(entries, limit, inRange.map(({ name }) => name), seen);
      });
    } else if (gate.waiting.length > 0) {
      gate.waiting[step.which % gate.waiting.length]!.end(step.how);
    }
  };

  const check = () => {
    for (const watch of watches) watch.look();
    for (const { partition, key, name } of KEYS) {
      const known = storage.peek(partition, key);
      if (known !== MISS) assert.equal(known, twin.visible(name), name);
    }
  };

  for (const step of steps) {
    run(step);
    check();
    await turns();
    check();
  }
  await gate.endAll();
  await Promise.all(reads);
  assert.deepEqual(failures, []);
  assert.equal(storage.stats().pendingCount, 0);
  assert.equal(storage.stats().pendingBytes, 0);
  await checkDisk(image, twin);
}

function commit(
  storage: Storage<string>,
  twin: Twin,
  { partition, key, name }: typeof KEYS[number],
  object: string | undefined,
): void {
  const change: Change = { name, object, outcome: "waiting" };
  twin.changes.push(change);
  storage.commit([{ partition, key, object }]).then(
    () => (change.outcome = "durable"),
    (error) => (change.outcome = error.cause.message),
  );
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

async function checkDisk(image: DiskImage, twin: Twin): Promise<void> {
  const fresh = openStorage(image.open(), textCodec);
  let values = 0;
  for (const { partition, key, name } of KEYS) {
    const object = twin.durable(name);
    assert.equal(await fresh.get(partition, key), object, name);
    if (object === undefined) continue;
    values += 1 + (object.length > PIECE_BYTES ? Math.ceil(object.length / PIECE_BYTES) : 0);
  }
  assert.equal(image.size, values, "no surplus pieces");
}
