import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { isNestedTooDeep, NESTING_DEPTH_MAX } from "../../src/base/nesting.ts";

const lists = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

Deno.test("JSON may be nested so deep, and no deeper", () => {
  assert.equal(isNestedTooDeep(utf8(lists(NESTING_DEPTH_MAX))), false);
  assert.equal(isNestedTooDeep(utf8(lists(NESTING_DEPTH_MAX + 1))), true);
  const maps = '{"a":'.repeat(NESTING_DEPTH_MAX) + "{}" + "}".repeat(NESTING_DEPTH_MAX);
  assert.equal(isNestedTooDeep(utf8(maps)), true);
});

Deno.test("what stands in texts and beside each other is not nested", () => {
  const brackets = "[{".repeat(NESTING_DEPTH_MAX);
  assert.equal(isNestedTooDeep(utf8(JSON.stringify([brackets, `"${brackets}`]))), false);
  assert.equal(isNestedTooDeep(utf8(`["\\\\",${lists(NESTING_DEPTH_MAX)}]`)), true);
  assert.equal(isNestedTooDeep(utf8(`[${"[],".repeat(1_000)}[]]`)), false);
});
