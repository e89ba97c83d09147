import assert from "node:assert/strict";
import { Story, storyLine } from "./story.ts";

const LINES = [
  "       0.000 n1 starts run 1",
  "     342.755 begins #0 c1@n3 put k0=c1.1 -> open ",
  "     342.755 n3 draws n3~cZNz:3481 for #0",
  "     344.100 n3-1 > n1-1 57 5bd1 for #0",
  "     349.232 ends #0 c1@n3 put k0=c1.1 -> ok ",
  "     350.000 fault crash",
  "     351.000 begins #1 c2@n1 get k0 -> open ",
  "     352.000 ends #1 c2@n1 get k0 -> ok [c1.1] ",
];

Deno.test("a story is a trace without messages, one actor and one event a line", () => {
  assert.deepEqual(LINES.map(storyLine).filter((line) => line !== undefined), [
    "    0.000  n1    starts run 1",
    "    0.343  c1    #0 put k0=c1.1 at n3",
    "    0.343  n3    draws n3~cZNz:3481 for #0",
    "    0.349  c1    #0 put k0=c1.1: ok",
    "    0.350  *     fault crash",
    "    0.351  c2    #1 get k0 at n1",
    "    0.352  c2    #1 get k0: ok [c1.1]",
  ]);
});

Deno.test("the story of a failure ends at the first violation and follows what it names", () => {
  const story = new Story("c1.1 was lost: #1 and all");
  for (const line of LINES) story.add(line);
  story.add("     400.000 VIOLATION c1.1 was lost: #1 and all");
  story.add("     401.000 n1 commits 1");
  assert.equal(story.lastEvents().at(-1), "    0.400  *     VIOLATION c1.1 was lost: #1 and all");
  assert.deepEqual(story.namedEvents(), [
    "    0.343  c1    #0 put k0=c1.1 at n3",
    "    0.349  c1    #0 put k0=c1.1: ok",
    "    0.351  c2    #1 get k0 at n1",
    "    0.352  c2    #1 get k0: ok [c1.1]",
  ]);
});

Deno.test("a name is not taken for the beginning of a longer one", () => {
  const story = new Story("c1.1 of #1 was lost");
  story.add("     1.000 begins #12 c1@n1 put k0=c1.12 -> open ");
  story.add("     2.000 begins #13 c11@n1 put k0=c11.1 -> open ");
  assert.deepEqual(story.namedEvents(), []);
  assert.equal(story.lastEvents().length, 2);
});

Deno.test("a long story keeps the last events, and of a name the first and the last", () => {
  const story = new Story("#7 is wrong");
  for (let i = 0; i < 500; i++) story.add(`     ${i}.000 n1 hears of #7 and ${i} others`);
  assert.ok(story.lastEvents().length === 50 && /\b499 others$/.test(story.lastEvents().at(-1)!));
  const named = story.namedEvents();
  assert.ok(
    named.length === 40 && /\b0 others$/.test(named[0]!) && /\b499 others$/.test(named[39]!),
  );
});
