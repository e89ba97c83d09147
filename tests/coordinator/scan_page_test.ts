import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { ScanPage, type ScanResult } from "../../src/coordinator/scan_page.ts";

function shown(result: ScanResult | undefined): unknown {
  if (result === undefined) return undefined;
  const { keys, next } = result;
  const place = next && [next.partition, next.after && utf8Text(next.after)];
  return { keys: keys.map(utf8Text), next: place };
}

Deno.test("a page that is full goes on behind the last key that it has looked at", () => {
  const page = new ScanPage({ partition: 3 }, 1, false);
  assert.equal(page.early(), undefined, "it has come nowhere");
  page.take(3, utf8("dead"), false);
  assert.deepEqual(shown(page.early()), { keys: [], next: [3, "dead"] });
  assert.ok(!page.isFullFor(3));
  page.take(4, utf8("a"), true);
  assert.ok(page.isFullFor(4));
  assert.deepEqual(shown(page.full(4)), { keys: ["a"], next: [4, "a"] });
});

Deno.test("a page of whole partitions goes on to the end of one, and ends early where that has begun", () => {
  const page = new ScanPage({ partition: 3 }, 1, true);
  page.take(3, utf8("a"), true);
  assert.ok(!page.isFullFor(3) && page.isFullFor(4));
  assert.equal(page.early(), undefined, "it is inside of the first");
  page.take(3, utf8("b"), true);
  assert.deepEqual(shown(page.full(5)), { keys: ["a", "b"], next: [5, undefined] });

  const slow = new ScanPage({ partition: 3 }, 10, true);
  slow.take(3, utf8("a"), true);
  slow.take(5, utf8("b"), true);
  assert.deepEqual(shown(slow.early()), { keys: ["a"], next: [5, undefined] });
  slow.advance({ partition: 6 });
  assert.deepEqual(shown(slow.early()), { keys: ["a", "b"], next: [6, undefined] });
});

Deno.test("pages that end anywhere show every live key once", () => {
  const keys = fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 40 });
  fc.assert(fc.property(
    keys,
    fc.integer({ min: 1, max: 5 }),
    fc.boolean(),
    fc.infiniteStream(fc.boolean()),
    (drawn, limit, wholePartitions, endsEarly) => {
      const all = drawn.toSorted(([a], [b]) => a - b).map(([partition, isLive], i) => {
        return { partition, isLive, name: String(i).padStart(2, "0") };
      });
      const found: string[] = [];
      let from: ScanResult["next"] = { partition: 0 };
      while (from !== undefined) {
        const { after, partition }: NonNullable<ScanResult["next"]> = from;
        if (wholePartitions) assert.equal(after, undefined);
        const rest = all.filter((it) => {
          if (it.partition !== partition || after === undefined) return it.partition >= partition;
          return it.name > utf8Text(after);
        });
        const page: ScanPage = new ScanPage(from, limit, wholePartitions);
        let result: ScanResult | undefined;
        for (const { isLive, name, partition } of rest) {
          if (page.isFullFor(partition)) result = page.full(partition);
          else if (endsEarly.next().value) result = page.early();
          if (result !== undefined) break;
          page.take(partition, utf8(name), isLive);
        }
        const { keys, next } = result ?? page.last();
        found.push(...keys.map(utf8Text));
        from = next;
      }
      assert.deepEqual(found, all.filter(({ isLive }) => isLive).map(({ name }) => name));
    },
  ));
});
