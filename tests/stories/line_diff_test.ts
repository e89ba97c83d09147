import assert from "node:assert/strict";
import fc from "fast-check";
import { lineDiff } from "./line_diff.ts";

Deno.test("lineDiff() shows what is missing, what is new, and the lines around", () => {
  const expected = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl";
  const observed = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm";
  assert.deepEqual(lineDiff(expected, observed), [
    "  a",
    "- b",
    "+ B",
    "  c",
    "  d",
    "  e",
    "  ...",
    "  j",
    "  k",
    "  l",
    "+ m",
  ]);
});

const text = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 8 })
  .map((lines) => lines.join("\n"));

Deno.test("lineDiff() is empty exactly for equal texts", () => {
  fc.assert(fc.property(text, text, (a, b) => {
    assert.equal(lineDiff(a, b).length === 0, a === b);
  }));
});

Deno.test("lineDiff() shows of both texts as many different lines as they differ in length", () => {
  fc.assert(fc.property(text, text, (a, b) => {
    const diff = lineDiff(a, b);
    const count = (mark: string) => diff.filter((line) => line.startsWith(mark)).length;
    assert.equal(count("+") - count("-"), b.split("\n").length - a.split("\n").length);
  }));
});
