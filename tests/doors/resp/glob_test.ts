import assert from "node:assert/strict";
import fc from "fast-check";
import { fromBinaryString, startsWithBytes, utf8 } from "../../../src/base/bytes.ts";
import { compileGlob } from "../../../src/doors/resp/glob.ts";

Deno.test("compileGlob() matches as Redis does", () => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ["*", ["", "a", "abc"], []],
    ["", [""], ["a"]],
    ["h?llo", ["hello", "hallo"], ["hllo", "heello"]],
    ["h*llo", ["hllo", "heeeello"], ["hell"]],
    ["h[ae]llo", ["hello", "hallo"], ["hillo"]],
    ["h[^e]llo", ["hallo"], ["hello", "hllo"]],
    ["h[a-b]llo", ["hallo", "hbllo"], ["hcllo"]],
    ["h[b-a]llo", ["hallo", "hbllo"], ["hcllo"]],
    ["a\\*b", ["a*b"], ["axb"]],
    ["a\\", ["a\\"], ["a"]],
    ["[a\\]]", ["a", "]"], ["\\", "b"]],
    ["[abc", ["a", "c"], ["[abc", "d"]],
    ["[]a", [], ["a", "]a", ""]],
    ["[^]a", ["xa"], ["a"]],
    ["**a**b**", ["ab", "xaxxbx"], ["ba"]],
    ["user:*:name", ["user:1:name", "user::name:name"], ["user:1:names"]],
  ];
  for (const [pattern, yes, no] of cases) {
    const glob = compileGlob(utf8(pattern));
    for (const text of yes) assert.ok(glob.matches(utf8(text)), `${pattern} matches ${text}`);
    for (const text of no) assert.ok(!glob.matches(utf8(text)), `${pattern} refuses ${text}`);
  }
});

Deno.test("matches() agrees with a matcher that tries everything", () => {
  const pattern = fc.array(fc.constantFrom("*", "?", "a", "b", "[ab]", "[^a]", "\\*"), {
    maxLength: 8,
  });
  const text = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (steps, letters) => {
      const glob = compileGlob(utf8(steps.join("")));
      const bytes = utf8(letters.join(""));
      const isMatch = slowMatch(steps, letters);
      assert.equal(glob.matches(bytes), isMatch);
      if (isMatch) assert.ok(startsWithBytes(bytes, glob.prefix));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("prefix is what every match begins with", () => {
  assert.deepEqual(compileGlob(utf8("user:\\*[ab]*")).prefix, utf8("user:*"));
  assert.deepEqual(compileGlob(utf8("plain")).prefix, utf8("plain"));
  assert.deepEqual(compileGlob(utf8("*x")).prefix, utf8(""));
});

Deno.test("matches() works on bytes that are no text", () => {
  const glob = compileGlob(fromBinaryString("[\xf0-\xff]?\x00"));
  assert.ok(glob.matches(fromBinaryString("\xfe\x80\x00")));
  assert.ok(!glob.matches(fromBinaryString("\xef\x80\x00")));
});

Deno.test("matches() ends for patterns that make others go back without end", () => {
  const key = utf8("a".repeat(1024));
  assert.ok(!compileGlob(utf8("a*".repeat(500) + "b")).matches(key));
  assert.ok(!compileGlob(utf8("*a".repeat(100_000))).matches(key));
});

function slowMatch(steps: readonly string[], letters: readonly string[]): boolean {
  const [step, ...others] = steps;
  if (step === undefined) return letters.length === 0;
  if (step === "*") {
    return letters.some((_, i) => slowMatch(others, letters.slice(i))) || slowMatch(others, []);
  }
  const [letter, ...rest] = letters;
  if (letter === undefined) return false;
  const takes = step === "?" || step === letter || (step === "[ab]" && letter !== "*") ||
    (step === "[^a]" && letter !== "a") || (step === "\\*" && letter === "*");
  return takes && slowMatch(others, rest);
}
