import assert from "node:assert/strict";
import fc from "fast-check";
import { readWishes } from "../../scripts/sim_wishes.ts";
import { CALM } from "./calm_world.ts";
import { drawOptions } from "./options.ts";
import { withOverrides } from "./overrides.ts";
import { commandOf, optionsOf, recipeOf, regressionOf } from "./recipe.ts";

Deno.test("a recipe is a seed and what is not as it was drawn", () => {
  const options = withOverrides(drawOptions(5), { keyCount: 7 });
  const recipe = recipeOf(options, 5);
  assert.deepEqual(recipe, { seed: 5, with: { keyCount: 7 } });
  assert.equal(commandOf(recipe), `deno task sim --seed 5 --with '{"keyCount":7}'`);
  const entry = '{ seed: 5, with: {"keyCount":7}, why: "a reason" },';
  assert.equal(regressionOf(recipe, "a reason"), entry);
});

Deno.test("a recipe makes the world that it was made of, also from the command line", () => {
  const nodes = fc.constantFrom([], [3], [5, 6]);
  const kinds = fc.constantFrom("drawn", "other", "calm");
  fc.assert(fc.property(fc.nat(), fc.nat(), nodes, kinds, (seed, other, nodes, kind) => {
    const world = drawOptions(kind === "other" ? other : seed, nodes);
    const options = withOverrides(world, { ...(kind === "calm" ? CALM : {}), durationMs: 77 });
    const recipe = recipeOf(options, seed, nodes);
    assert.deepEqual(optionsOf(recipe), options);
    const words = commandOf(recipe).split(" ").slice(3).map((word) => word.replaceAll("'", ""));
    const { first, nodes: asked, isCalm, overrides } = readWishes(words, 1);
    assert.deepEqual(optionsOf({ seed: first, nodes: asked, isCalm, with: overrides }), options);
  }));
});

Deno.test("a world that is nearly calm is written as calm but for what is not", () => {
  const options = withOverrides(withOverrides(drawOptions(5), CALM), { faults: { crash: 0.5 } });
  const recipe = recipeOf(options, 5);
  assert.deepEqual(recipe, { seed: 5, isCalm: true, with: { faults: { crash: 0.5 } } });
  const command = `deno task sim --seed 5 --calm --with '{"faults":{"crash":0.5}}'`;
  assert.equal(commandOf(recipe), command);
  assert.match(
    regressionOf(recipe, "why"),
    /^\{ seed: 5, isCalm: true, with: \{.*\}, why: "why" \},$/,
  );
});

Deno.test("a world with another seed is written from whichever seed is shorter", () => {
  assert.deepEqual(recipeOf(drawOptions(2), 5), { seed: 2 });
  assert.deepEqual(recipeOf({ ...drawOptions(5), seed: 2 }, 5), { seed: 5, with: { seed: 2 } });
});
