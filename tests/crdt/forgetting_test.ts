import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { compareDots, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { SiblingSet } from "../../src/causality/sibling_set.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";
import {
  bringsUnseen,
  EXPIRY_SLACK_MS,
  forget,
  forgettableFrom,
  IDLE_ENTRIES,
  withFloor,
  withoutOutdated,
} from "../../src/crdt/forgetting.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import { values } from "../../src/crdt/values.ts";
import { copies, livingCopies } from "./arbitrary_copies.ts";

function text(value: string): Opaque {
  return { kind: "text", bytes: utf8(value) };
}

/** An object that one actor after the other has written, each in place of all before. */
function writtenBy(count: number, last: Opaque, expiresAtMs?: number): DataObject {
  let object = DataObject.empty;
  for (let i = 1; i <= count; i++) {
    const value = i === count ? last : text(`${i}`);
    const end = i === count ? expiresAtMs : undefined;
    object = object.write({ actor: `n1~${100 + i}`, time: i * 10 }, value, undefined, end);
  }
  return object;
}

/** Every time that an object mentions, and those beside them. */
function timesIn(...objects: readonly DataObject[]): number[] {
  const times = new Set([1]);
  const add = (time: number) => {
    for (const it of [time - 1, time, time + 1]) if (it > 0) times.add(it);
  };
  for (const { opaque, expiry } of objects) {
    for (const { discardedUpTo, values } of [...opaque.entries, ...expiry.entries]) {
      add(discardedUpTo);
      for (const { time } of values) add(time);
    }
    for (const { value: endMs } of expiry.siblings()) {
      add((endMs + EXPIRY_SLACK_MS) * TICKS_PER_MS);
    }
  }
  return [...times].sort((a, b) => a - b);
}

/** Copies that few actors wrote often, or many seldom. */
const anyCopies = fc.oneof(copies, livingCopies);

/** Objects with a floor at a place where something may change. */
const objectAndFloor = fc.tuple(livingCopies, fc.nat(2), fc.nat()).map(([objects, which, lot]) => {
  const object = objects[which]!;
  const times = timesIn(object);
  return [object, times[lot % times.length]!] as const;
});

Deno.test("a tombstone is forgotten below the floor, and a value is not", () => {
  const deleted = writtenBy(2, null);
  assert.equal(forget(deleted, 19), deleted);
  assert.equal(forget(deleted, 20), DataObject.empty);
  assert.equal(forgettableFrom(deleted), 20);
  const alive = writtenBy(2, text("milk"));
  assert.equal(forget(alive, 1_000_000), alive);
  assert.equal(forgettableFrom(alive), Infinity);
  assert.equal(forgettableFrom(DataObject.empty), Infinity);
});

Deno.test("a value that has ended is forgotten when the floor has passed its end by the slack", () => {
  const endMs = 1_000;
  const ended = writtenBy(1, text("milk"), endMs);
  const from = (endMs + EXPIRY_SLACK_MS) * TICKS_PER_MS;
  assert.equal(forgettableFrom(ended), from);
  assert.equal(forget(ended, from - 1), ended);
  assert.equal(forget(ended, from), DataObject.empty);
  const dot = { actor: "n1~a", time: from + 5 };
  const stillborn = DataObject.empty.write(dot, text("milk"), undefined, endMs);
  assert.equal(forgettableFrom(stillborn), from + 5, "not before it was written");
});

Deno.test("a value that never ends holds what has ended beside it", () => {
  const ended = DataObject.empty.write({ actor: "a", time: 10 }, text("ends"), undefined, 1);
  const lasting = DataObject.empty.write(
    { actor: "b", time: 20 },
    text("lasts"),
    new Map(),
    undefined,
  );
  assert.equal(forgettableFrom(ended.merge(lasting)), Infinity);
});

Deno.test("idle actors are forgotten below the floor when there are many of them", () => {
  const few = writtenBy(IDLE_ENTRIES, text("milk"));
  assert.equal(forget(few, 1_000), few);
  const many = writtenBy(IDLE_ENTRIES + 1, text("milk"));
  const latest = (IDLE_ENTRIES + 1) * 10;
  assert.equal(forgettableFrom(many), latest);
  assert.equal(
    forget(many, latest - 1),
    many,
    "what the latest has replaced may be alive elsewhere",
  );
  const left = forget(many, latest);
  assert.deepEqual(left.opaque.entries.map(({ actor }) => actor), [`n1~${101 + IDLE_ENTRIES}`]);
  assert.deepEqual(left.live(0), many.live(0));
});

Deno.test("idle actors count wherever they are, and whatever the order of their names", () => {
  let object = DataObject.empty.write({ actor: "z", time: 1 }, text("milk"), undefined, 5);
  for (let i = 0; i < IDLE_ENTRIES; i++) {
    object = object.expire({ actor: `n1~${99 - i}`, time: 10 + i }, undefined);
  }
  object = object.expire({ actor: "a", time: 100 }, undefined);
  assert.equal(object.expiry.entries.length, IDLE_ENTRIES + 2);
  assert.equal(forgettableFrom(object), 100);
  assert.equal(forget(object, 99), object);
  const left = forget(object, 100);
  assert.deepEqual(left.expiry.entries.map(({ actor }) => actor), ["a"]);
  assert.deepEqual(left.opaque.entries.map(({ actor }) => actor), ["z"]);
});

Deno.test("an object has something to forget exactly from the floor on that forgettableFrom() tells", () => {
  fc.assert(fc.property(objectAndFloor, ([object, floor]) => {
    assert.equal(forget(object, floor) !== object, floor >= forgettableFrom(object));
  }));
});

Deno.test("forgetting shows in no read at the time of the floor or later", () => {
  fc.assert(fc.property(objectAndFloor, fc.nat(10), ([object, floor], laterMs) => {
    const nowMs = Math.floor(floor / TICKS_PER_MS) - EXPIRY_SLACK_MS + laterMs;
    const left = forget(object, floor);
    assert.deepEqual(left.live(nowMs), object.live(nowMs));
    assert.deepEqual(shown(left, nowMs), shown(object, nowMs));
  }));
});

function shown(object: DataObject, nowMs: number): unknown {
  return object.liveValues(nowMs).map(({ type, store }) => [type.name, type.value(store)]);
}

Deno.test("values that merge are forgotten wholly once nothing is left of them, and late ones do not come back", () => {
  const milk = { kind: "add", elements: [utf8("milk")] } as const;
  const held = DataObject.empty.update({ actor: "n1~1", time: 10 }, {
    type: "set",
    operation: milk,
  });
  const deleted = held.write({ actor: "n2~1", time: 20 }, null, undefined, undefined);
  assert.deepEqual(deleted.liveValues(0), []);
  assert.equal(forget(deleted, 19), deleted);
  assert.ok(forget(deleted, 20).isEmpty);
  assert.ok(bringsUnseen(DataObject.empty, held, 20));
  const left = withoutOutdated(held, DataObject.empty, 20);
  assert.deepEqual(left.liveValues(0), []);
  assert.deepEqual(left.merge(DataObject.empty).liveValues(0), []);
});

Deno.test("ids of operations and silent actors are forgotten while the counter goes on", () => {
  let object = DataObject.empty;
  for (let i = 1; i <= 100; i++) {
    const id = { session: "s", number: i, untilMs: 0 };
    const operation = { kind: "add", amount: 1, id } as const;
    const actor = `n1~${String(i).padStart(3, "0")}`;
    object = object.update({ actor, time: i }, { type: "counter", operation });
  }
  const left = forget(object, 90);
  assert.deepEqual(shown(left, 0), [["counter", 100n]]);
  assert.equal(values.stats(object.values).elements, 100);
  assert.equal(values.stats(left.values).elements, 10);
});

Deno.test("to forget twice is to forget once, and a lower floor adds nothing to a higher one", () => {
  fc.assert(fc.property(objectAndFloor, fc.nat(), ([object, floor], lot) => {
    const once = forget(object, floor);
    assert.equal(forget(once, floor), once);
    const times = timesIn(object).filter((time) => time <= floor);
    const lower = times[lot % times.length]!;
    assert.equal(forget(once, lower), once);
  }));
});

Deno.test("the higher the floor the less is left, and never anything else", () => {
  fc.assert(fc.property(objectAndFloor, fc.nat(), ([object, floor], lot) => {
    const higher = timesIn(object).filter((time) => time >= floor);
    const less = forget(object, higher[lot % higher.length] ?? floor);
    const more = forget(object, floor);
    for (const slot of ["opaque", "expiry"] as const) {
      assert.ok(isSubset(less[slot].entries, more[slot].entries));
      assert.ok(isSubset(more[slot].entries, object[slot].entries));
    }
  }));
});

function isSubset(some: readonly unknown[], all: readonly unknown[]): boolean {
  return some.every((entry) => all.includes(entry));
}

Deno.test("objects that are equal forget to equal bytes", () => {
  fc.assert(fc.property(objectAndFloor, ([object, floor]) => {
    const twin = decodeObject(object.encoded());
    assert.deepEqual(forget(twin, floor).encoded(), forget(object, floor).encoded());
  }));
});

Deno.test("what copies hold together is forgotten alike, whichever of them merges", () => {
  fc.assert(fc.property(livingCopies, fc.nat(), ([a, b, c], lot) => {
    const times = timesIn(a, b, c);
    const floor = times[lot % times.length]!;
    const one = forget(a.merge(b).merge(c), floor);
    const other = forget(c.merge(a.merge(b)), floor);
    assert.deepEqual(one.encoded(), other.encoded());
  }));
});

Deno.test("bringsUnseen() tells of a value up to a time of which the other side knows nothing", () => {
  const milk = writtenBy(1, text("milk"));
  const deleted = writtenBy(2, null);
  assert.ok(bringsUnseen(DataObject.empty, milk, 10));
  assert.ok(!bringsUnseen(DataObject.empty, milk, 9), "it is later");
  assert.ok(!bringsUnseen(DataObject.empty, milk, 0), "there is no floor");
  assert.ok(!bringsUnseen(milk, milk, 10));
  assert.ok(!bringsUnseen(deleted, milk, 10), "it was seen and replaced");
  assert.ok(!bringsUnseen(DataObject.empty, deleted, 20), "a tombstone brings nothing back");
  const later = new DataObject(
    SiblingSet.empty<Opaque>().add({ actor: "n1~101", time: 30 }, text("eggs")),
    milk.expiry,
    milk.values,
  );
  assert.ok(bringsUnseen(later, milk, 20), "a later write of the same actor does not hide it");
  const idle = new DataObject(milk.opaque.discardAll(), milk.expiry, milk.values);
  assert.ok(!bringsUnseen(DataObject.empty, idle, 10), "it brings none");
  const expiring = milk.expire({ actor: "n1~101", time: 11 }, 5);
  assert.ok(bringsUnseen(milk, expiring, 11), "an expiry counts as well");
});

Deno.test("bringsUnseen() is what the slow and obvious twin says", () => {
  fc.assert(
    fc.property(anyCopies, fc.nat(), ([held, incoming], lot) => {
      const times = timesIn(held, incoming);
      const upTo = times[lot % times.length]!;
      const isUnseen = (["opaque", "expiry"] as const).some((slot) =>
        [...incoming[slot].siblings()].some(({ actor, time, value }) => {
          const entry = held[slot].entries.find((it) => it.actor === actor);
          const isHeld = entry?.values.some((it) => it.time === time) === true;
          return time <= upTo && value !== null && time > (entry?.discardedUpTo ?? 0) && !isHeld;
        })
      );
      const isUnseenValue = [...values.dots(incoming.values)].some(({ actor, time }) => {
        return time <= upTo && time > values.timeOf(held.values, actor);
      });
      assert.equal(bringsUnseen(held, incoming, upTo), isUnseen || isUnseenValue);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("withoutOutdated() drops what the other side has seen and does not hold", () => {
  const milk = writtenBy(1, text("milk"));
  assert.equal(withoutOutdated(milk, DataObject.empty, 9), milk);
  assert.equal(withoutOutdated(milk, DataObject.empty, 10).opaque.size, 0);
  assert.equal(withoutOutdated(milk, milk, 10), milk);
  const both = milk.write({ actor: "n2~b", time: 30 }, text("eggs"), new Map(), undefined);
  const left = withoutOutdated(both, DataObject.empty, 10);
  assert.deepEqual(left.live(0).map(({ time }) => time), [30]);
  assert.equal(left.timeOf("n1~101"), 10, "and knows that it was replaced");
});

Deno.test("of a write that has not happened nothing is left, not even what it replaced", () => {
  const others = writtenBy(1, text("milk"));
  const lost = others.write({ actor: "n2~b", time: 15 }, text("eggs"), undefined, undefined);
  const left = withoutOutdated(lost, others, 20);
  assert.deepEqual(others.merge(left).live(0).map(({ time }) => time), [10], "the milk stays");
});

Deno.test("withoutOutdated() is the object itself unless something in it is outdated", () => {
  fc.assert(fc.property(anyCopies, fc.nat(), ([own, theirs], lot) => {
    const times = timesIn(own, theirs);
    const floor = times[lot % times.length]!;
    const left = withoutOutdated(own, theirs, floor);
    assert.equal(left === own, !bringsUnseen(theirs, own, floor));
  }));
});

Deno.test("what is left is not outdated, and lacks nothing that the other side holds or that is later", () => {
  fc.assert(fc.property(anyCopies, fc.nat(), ([own, theirs], lot) => {
    const times = timesIn(own, theirs);
    const floor = times[lot % times.length]!;
    const left = withoutOutdated(own, theirs, floor);
    assert.ok(!bringsUnseen(theirs, new DataObject(left.opaque, left.expiry, values.empty), floor));
    const together = withFloor(theirs, floor).merge(left);
    for (const dot of values.dots(together.values)) {
      const isTheirs = [...values.dots(theirs.values)].some((it) => compareDots(it, dot) === 0);
      assert.ok(isTheirs || dot.time > floor || left === own);
    }
    const kept = [...left.opaque.siblings()].map(({ actor, time }) => `${actor} ${time}`);
    for (const { actor, time, value } of own.opaque.siblings()) {
      const isKept = time > floor || value === null || theirs.opaque.knows(actor, time);
      assert.equal(kept.includes(`${actor} ${time}`), isKept);
    }
  }));
});

Deno.test("what was dropped does not come back: who has the floor recognises it, whatever it forgets", () => {
  fc.assert(fc.property(anyCopies, fc.nat(), ([own, theirs], lot) => {
    const times = timesIn(own, theirs);
    const floor = times[lot % times.length]!;
    const left = withoutOutdated(own, theirs, floor);
    if (left === own) return;
    assert.ok(bringsUnseen(forget(theirs, floor), own, floor));
    const receiver = forget(forget(theirs, floor).merge(left), floor);
    const dropped = [...own.opaque.siblings()].filter(({ actor, time, value }) => {
      return time <= floor && value !== null && !theirs.opaque.knows(actor, time);
    });
    const again = receiver.merge(withoutOutdated(own, receiver, floor));
    for (const { actor, time } of dropped) {
      const isBack = [...again.opaque.siblings()].some((it) => {
        return it.actor === actor && it.time === time;
      });
      assert.ok(!isBack, `${actor} ${time}`);
    }
  }));
});

Deno.test("without a floor on either side levelling is merging", () => {
  fc.assert(fc.property(copies, ([a, b]) => {
    assert.deepEqual(
      withoutOutdated(a, b, 0).merge(withoutOutdated(b, a, 0)).encoded(),
      a.merge(b).encoded(),
    );
  }));
});
