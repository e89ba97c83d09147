import assert from "node:assert/strict";
import { play } from "./story.ts";
import { StoryMistake } from "./story_text.ts";

const PROSE = "A cart\n\nWhat this shows.\n";
const SETTING = "three nodes n1 n2 n3, each key on 3, r quorum, w quorum";

function storyOf(...lines: string[]): string {
  return `${PROSE}\n${SETTING}\n\n${lines.join("\n")}\n`;
}

const TOLD = storyOf(
  "(Ann has the cart",
  "for herself.)",
  'ann at n1: put cart = "milk"',
  "  ok: dot n1a:1, 1 value, context n1a:1",
  "cut n3 from n1 n2",
  'ann at n2: put cart = "eggs" with what ann saw',
  "  ok: dot n2a:1, 1 value, context n1a:1 n2a:1",
  "disks hold cart",
  '  n1: "eggs" (n2a:1) in place of n1a:1',
  '  n2: "eggs" (n2a:1) in place of n1a:1',
  '  n3: "milk" (n1a:1)',
  "",
  "n3 sees",
  "  n1 up, connected",
  "  n2 up, connected",
);

Deno.test("a story that is played tells below each step what was observed", async () => {
  const untold = TOLD.split("\n").filter((line) => !line.startsWith("  ")).join("\n");
  assert.deepEqual(await play(untold, 1), { text: TOLD, violations: [] });
});

Deno.test("what was observed before makes no difference, nor does the seed", async () => {
  const wrong = TOLD.replaceAll("n1a:1", "n9z:9").replace("  n2 up, connected\n", "");
  assert.equal((await play(wrong, 7)).text, TOLD);
});

const MISTAKES: readonly (readonly [text: string, problem: RegExp])[] = [
  ["", /Line 1: no line sets the stage/],
  [`A cart\n\n${SETTING}\n`, /Line 1: a story begins with a title, a blank line/],
  [`${PROSE}\nthree nodes n1 n2\n`, /Line 5: Of three nodes the names are/],
  [`${PROSE}\n${SETTING}, no hurry\n`, /Line 5: Cannot read "no hurry"/],
  [`${PROSE}\n${SETTING}, w most\n`, /Line 5: "most" is no level/],
  [storyOf("ann eats"), /Line 7: There is no step such as "ann eats"/],
  [storyOf("owners of cart", "kill n4"), /Line 8: There is no node n4/],
  [storyOf("ann at n1: sell cart"), /Line 7: Cannot read the request "sell cart"/],
  [storyOf("ann at n1: get cart, w one"), /Line 7: Cannot read "w one" of a get/],
  [storyOf("ann at n1: delete cart with what bob saw"), /Line 7: bob has seen nothing of cart/],
  [
    storyOf('ann at n1: remove "x" from set cart with what bob saw'),
    /Line 7: bob has seen nothing of cart/,
  ],
  [storyOf("ann at n1: add x to set cart"), /Line 7: Cannot read the request "add x to set cart"/],
  [storyOf('ann at n1: put a = "1"', 'ann at n1: put b = "1"'), /Line 8: "1" is written twice/],
  [storyOf('restore the disk of n1 from "monday"'), /Line 7: n1 runs/],
  [
    storyOf("kill n1", 'restore the disk of n1 from "monday"'),
    /Line 8: There is no backup "monday"/,
  ],
  [storyOf("a bit of cart flips on the disk of n1"), /Line 7: n1 has no record of cart/],
  [storyOf("ann hears"), /Line 7: ann has begun nothing/],
  [storyOf("ann at n1 begins: get cart", "ann at n1: get cart"), /Line 8: ann waits for an answer/],
  [storyOf("ann at n1 begins: get cart"), /Line 7: ann has not heard the answer yet/],
  [storyOf("", "  ok: nothing"), /Line 8: what was observed stands right below its step/],
  [storyOf("(Once upon", "a time"), /Line 8: a parenthesis is not closed/],
];

for (const [text, problem] of MISTAKES) {
  Deno.test(`a mistake is shown with its line: ${problem.source}`, async () => {
    await assert.rejects(() => play(text, 1), (error) => {
      assert.ok(error instanceof StoryMistake);
      assert.match(error.message, problem);
      return true;
    });
  });
}
