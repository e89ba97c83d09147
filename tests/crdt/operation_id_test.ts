import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { type Dot, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { bringsUnseen, forget, forgettableFrom, IDLE_IDS } from "../../src/crdt/forgetting.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { MergedValues } from "../../src/crdt/merged_values.ts";
import {
  checkClientId,
  endOfKey,
  idOfKey,
  keyOfId,
  type OperationId,
  TRIED_MS_MAX,
} from "../../src/crdt/operation_id.ts";
import { update, UpdateError } from "../../src/crdt/typed_update.ts";
import { values } from "../../src/crdt/values.ts";

const MS = TICKS_PER_MS;

function count(amount: number, id: OperationId | undefined): NestedOperation {
  return { type: "counter", operation: { kind: "add", amount, id } };
}

function underKey(nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key: utf8("k"), nested } };
}

function idOf(number: number, untilMs: number): OperationId {
  return { session: "s", number, untilMs };
}

/** The object after an operation whose dot is drawn at a time. @throws {UpdateError} */
function tried(held: DataObject, actor: string, time: number, operation: NestedOperation) {
  const nextDot = (above: number): Dot => ({ actor, time: Math.max(time, above + 1) });
  return update(held, [operation], undefined, nextDot, time / MS).object;
}

function counted(object: DataObject): bigint {
  const merged = new MergedValues(object.liveValues(0));
  return merged.valueOf("counter") ?? merged.at(utf8("k")).valueOf("counter") ?? 0n;
}

function idCount(object: DataObject): number {
  return values.stats(object.values).elements;
}

/** Without the threshold below which forget() lets an object be. */
function foldedBelow({ expiry, opaque, values: held }: DataObject, floor: number): DataObject {
  return new DataObject(opaque, expiry, values.forget(held, floor));
}

Deno.test("an operation is known by its id, and refused when its time is over", () => {
  const id = idOf(1, 10);
  const first = tried(DataObject.empty, "a", 3 * MS, count(5, id));
  const again = tried(first, "b", 8 * MS, count(5, id));
  assert.equal(again, first, "the second try finds it");
  assert.equal(tried(first, "b", 99 * MS, count(5, id)), first, "however late");
  const elsewhere = tried(DataObject.empty, "b", 10 * MS, count(5, id));
  assert.equal(counted(first.merge(elsewhere)), 5n, "two that did not know of each other");
  assert.throws(() => tried(DataObject.empty, "b", 10 * MS + 1, count(5, id)), (error) => {
    return error instanceof UpdateError && error.problem === "too_late" &&
      error.message.includes("0 ms too late");
  });
});

Deno.test("an id stays until the floor has passed its end, and then a try of it is refused", () => {
  const id = idOf(1, 10);
  const first = tried(DataObject.empty, "a", 3 * MS, count(5, id));
  const early = foldedBelow(first, 10 * MS - 1);
  assert.equal(idCount(early), 1, "its dot is below the floor, its end is not");
  assert.equal(tried(early, "b", 10 * MS, count(5, id)), early);
  const folded = foldedBelow(first, 10 * MS);
  assert.equal(idCount(folded), 0);
  assert.equal(counted(folded), 5n);
  assert.throws(() => tried(folded, "b", 11 * MS, count(5, id)), { problem: "too_late" });
});

Deno.test("what was counted and deleted does not count again, whatever is forgotten meanwhile", () => {
  for (const operation of [count(5, idOf(1, 50)), underKey(count(5, idOf(1, 50)))]) {
    const first = tried(DataObject.empty, "a", 3 * MS, operation);
    const deleted = first.write({ actor: "a", time: 4 * MS }, null, undefined, undefined);
    for (const floor of [4 * MS, 20 * MS, 50 * MS - 1]) {
      const left = foldedBelow(forget(deleted, floor), floor);
      assert.equal(counted(tried(left, "b", 40 * MS, operation)), 0n, `floor ${floor}`);
    }
    assert.equal(forgettableFrom(deleted), 50 * MS);
    assert.ok(forget(deleted, 50 * MS).isEmpty);
  }
});

Deno.test("a counter that one actor goes on changing keeps the ids whose time is not over", () => {
  const kinds = [[100_000, (it: NestedOperation) => it], [10_000, underKey]] as const;
  for (const [times, wrap] of kinds) {
    let object = DataObject.empty;
    let [most, largest, folds] = [0, 0, 0];
    const windowMs = 50;
    const everyMs = 20;
    let floor = 0;
    for (let i = 1; i <= times; i++) {
      const time = i * MS;
      object = tried(object, "a", time, wrap(count(1, idOf(i, i + windowMs))));
      if (i % everyMs === 0) floor = (i - 30) * MS;
      const left = forget(object, floor);
      folds += Number(left !== object);
      object = left;
      most = Math.max(most, idCount(object));
      if (i % 1_000 === 0) largest = Math.max(largest, object.encoded().length);
    }
    assert.equal(counted(object), BigInt(times));
    assert.ok(most <= windowMs + 30 + everyMs + IDLE_IDS, `${most} ids`);
    assert.ok(folds <= times / everyMs, "each floor folds once, and not every write");
    assert.ok(largest < 4_000, `${largest} B`);
  }
});

Deno.test("keys sort by the ends of ids and give them back", () => {
  const ids = fc.record({
    session: fc.string({ maxLength: 64 }).filter((it) => it.isWellFormed()),
    number: fc.maxSafeNat(),
    untilMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  });
  fc.assert(fc.property(ids, ids, (a, b) => {
    assert.deepEqual(idOfKey(keyOfId(a)), { ...a });
    assert.equal(endOfKey(keyOfId(a)), a.untilMs * MS);
    if (a.untilMs < b.untilMs) assert.ok(keyOfId(a) < keyOfId(b));
  }));
});

Deno.test("what is no id of a client is refused", () => {
  const good = { session: "a-1", number: 0, untilMs: 1_000 + TRIED_MS_MAX };
  checkClientId(good, 1_000);
  for (
    const wrong of [
      { session: "" },
      { session: "text n1~a" },
      { session: "é" },
      { session: "x".repeat(65) },
      { number: -1 },
      { number: 0.5 },
      { number: Infinity },
      { untilMs: NaN },
      { untilMs: -1 },
      { untilMs: good.untilMs + 1 },
    ]
  ) {
    assert.throws(() => checkClientId({ ...good, ...wrong }, 1_000), RangeError);
  }
});

/** What may happen to a counter at three owners and a node that stands in for them. */
interface Step {
  readonly kind: "try" | "merge" | "send" | "deliver" | "promise" | "raise" | "forget" | "wait";
  readonly at: number;
  readonly pick: number;
}

const OWNERS = 3;
const STAND_IN = OWNERS;

/** Owners with clocks of their own, messages that are late, and floors as floor_rounds.ts raises them. */
class World {
  readonly #copies = Array.from({ length: OWNERS + 1 }, () => DataObject.empty);
  readonly #skewsMs: readonly number[];
  readonly #messages: DataObject[] = [];
  readonly #floors = Array<number>(OWNERS).fill(0);
  /** The twin: every operation that any try of has succeeded, for ever. */
  readonly #counted = new Map<number, bigint>();
  readonly #ids: OperationId[] = [];
  #nowMs = 1_000;
  #promised = 0;
  #fence = 0;
  /** Who stands in draws another actor when it has handed over. */
  #standInActor = 0;
  refusedCount = 0;
  foldedCount = 0;

  constructor(skewsMs: readonly number[]) {
    this.#skewsMs = skewsMs;
  }

  step({ at, kind, pick }: Step): void {
    const owner = at % OWNERS;
    switch (kind) {
      case "wait":
        this.#nowMs += pick % 7;
        break;
      case "try":
        this.#try(at % (OWNERS + 1), pick);
        break;
      case "merge":
        this.#take(owner, this.#copies[pick % OWNERS]!);
        break;
      case "send":
        this.#messages.push(this.#copies[at % (OWNERS + 1)]!);
        break;
      case "deliver": {
        const message = this.#messages[pick % Math.max(1, this.#messages.length)];
        if (message !== undefined) this.#take(owner, message);
        break;
      }
      case "promise":
        this.#promised = Math.max(this.#promised, (this.#nowMs - pick % 12) * MS);
        break;
      case "raise":
        this.#raise();
        break;
      case "forget":
        this.#forget(owner);
    }
  }

  /** Everybody has everything, and no id is left whose time is over. */
  check(): void {
    this.#promised = Math.max(this.#promised, this.#nowMs * MS);
    this.#raise();
    for (let owner = 0; owner < OWNERS; owner++) this.#forget(owner);
    const expected = [...this.#counted.values()].reduce((sum, amount) => sum + amount, 0n);
    const [first, ...others] = this.#copies.slice(0, OWNERS);
    assert.equal(counted(first!), expected);
    for (const other of others) assert.deepEqual(other.encoded(), first!.encoded());
    const open = this.#ids.filter(({ untilMs }) => untilMs * MS > this.#promised).length;
    assert.ok(idCount(first!) <= open);
  }

  #try(at: number, pick: number): void {
    const isNew = this.#ids.length === 0 || pick % 3 === 0;
    const number = isNew ? this.#ids.length : pick % this.#ids.length;
    const id = this.#ids[number] ?? idOf(number, this.#nowMs + pick % 9 - 1);
    this.#ids[number] = id;
    const amount = number % 5 - 1;
    const clock = (this.#nowMs + this.#skewsMs[at]!) * MS;
    // What a node has promised its clock has passed.
    const time = Math.max(clock, this.#promised + 1);
    try {
      const actor = `n${at}~${at === STAND_IN ? this.#standInActor : 0}`;
      this.#copies[at] = tried(this.#copies[at]!, actor, time, count(amount, id));
      this.#counted.set(number, BigInt(amount));
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
      this.refusedCount++;
    }
  }

  #take(owner: number, incoming: DataObject): void {
    const held = this.#copies[owner]!;
    if (bringsUnseen(held, incoming, this.#fence)) return;
    this.#copies[owner] = held.merge(incoming);
  }

  /** Who stands in hands over first; then the owners become the same. */
  #raise(): void {
    this.#fence = this.#promised;
    const all = this.#copies.reduce((together, copy) => together.merge(copy), DataObject.empty);
    this.#copies.fill(all, 0, OWNERS);
    this.#copies[STAND_IN] = DataObject.empty;
    this.#standInActor++;
    this.#floors.fill(this.#promised);
  }

  #forget(owner: number): void {
    const before = this.#copies[owner]!;
    const after = foldedBelow(before, this.#floors[owner]!);
    this.foldedCount += idCount(before) - idCount(after);
    this.#copies[owner] = after;
  }
}

Deno.test("whatever is folded and whoever tries again, everything counts once", () => {
  const kinds: [Step["kind"], number][] = [
    ["try", 8],
    ["wait", 6],
    ["merge", 2],
    ["send", 2],
    ["deliver", 3],
    ["promise", 2],
    ["raise", 1],
    ["forget", 3],
  ];
  const step = fc.record<Step>({
    kind: fc.constantFrom(...kinds.flatMap(([kind, weight]) => Array(weight).fill(kind))),
    at: fc.nat(11),
    pick: fc.nat(1 << 20),
  });
  const skews = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 4, maxLength: 4 });
  let [refused, folded] = [0, 0];
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), skews, (steps, skewsMs) => {
      const world = new World(skewsMs);
      for (const step of steps) world.step(step);
      world.check();
      refused += world.refusedCount;
      folded += world.foldedCount;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(refused > 1_000 && folded > 1_000, `${refused} refused, ${folded} folded`);
});
