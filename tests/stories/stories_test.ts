import assert from "node:assert/strict";
import { lineDiff } from "./line_diff.ts";
import { play } from "./story.ts";

const DIRECTORY = new URL("./", import.meta.url);

/** No story may depend on chance. */
const SEEDS = [1, 2, 3];

const isUpdating = Deno.env.get("UPDATE_STORIES") === "1";

const names = [...Deno.readDirSync(DIRECTORY)].map(({ name }) => name)
  .filter((name) => name.endsWith(".txt")).sort();

for (const name of names) {
  const file = new URL(name, DIRECTORY);
  Deno.test(`story ${name.replace(".txt", "").replaceAll("_", " ")}`, async () => {
    const source = Deno.readTextFileSync(file);
    let expected = source;
    for (const seed of SEEDS) {
      const { text, violations } = await play(source, seed);
      assert.deepEqual(violations, [], `What must never happen has, in seed ${seed}`);
      if (isUpdating && seed === SEEDS[0]) Deno.writeTextFileSync(file, expected = text);
      const diff = lineDiff(expected, text).join("\n");
      assert.ok(diff === "", `${name} goes another way in seed ${seed}:\n\n${diff}\n`);
    }
  });
}
