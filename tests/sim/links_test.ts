import assert from "node:assert/strict";
import { Dice } from "./dice.ts";
import { Links } from "./links.ts";

function calm() {
  return new Links(new Dice(1, "links"), 10, 0);
}

function fates(links: Links, from: string, to: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1_000; i++) {
    const fate = links.fate(from, to);
    counts[fate] = (counts[fate] ?? 0) + 1;
  }
  return counts;
}

Deno.test("everything arrives until there is a trouble, and again when it has ended", () => {
  const links = calm();
  assert.deepEqual(fates(links, "a", "b"), { arrives: 1_000 });
  const undo = links.trouble("a", "b", { lost: 0.5, repeated: 0.2 });
  const { arrives, lost, repeated, ...rest } = fates(links, "a", "b");
  assert.ok(lost! > 400 && lost! < 600, `${lost} lost`);
  assert.ok(repeated! > 50 && repeated! < 150, `${repeated} repeated`);
  assert.equal(arrives! + lost! + repeated!, 1_000);
  assert.deepEqual(rest, {});
  assert.deepEqual(fates(links, "b", "a"), { arrives: 1_000 }, "the other direction is well");
  undo();
  assert.deepEqual(fates(links, "a", "b"), { arrives: 1_000 });
});

Deno.test("of two troubles on one way the worse counts, and each ends by itself", () => {
  const links = calm();
  const undo = [{ damaged: 1 }, { damaged: 0.1 }].map((it) => links.trouble("a", "b", it));
  assert.deepEqual(fates(links, "a", "b"), { damaged: 1_000 });
  undo[0]!();
  assert.ok(fates(links, "a", "b")["arrives"]! > 800);
  undo[1]!();
  assert.deepEqual(fates(links, "a", "b"), { arrives: 1_000 });
});

Deno.test("a slow way takes so many times as long", () => {
  const links = calm();
  const meanOf = () => {
    let sum = 0;
    for (let i = 0; i < 1_000; i++) sum += links.delayMs("a", "b");
    return sum / 1_000;
  };
  const before = meanOf();
  links.trouble("a", "b", { slower: 20 });
  assert.ok(meanOf() > 10 * before);
});
