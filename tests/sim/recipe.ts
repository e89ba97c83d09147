// How a world is written down so that anybody can have it again: on a command line or in a list.

import { shellWord } from "../../src/cli/output.ts";
import { CALM } from "./calm_world.ts";
import { drawOptions, type SimOptions } from "./options.ts";
import { differences, type Overrides, withOverrides } from "./overrides.ts";

/** What makes one world. */
export interface Recipe {
  /** Its options are drawn from this, and all else too unless `with` has another seed. */
  readonly seed: number;
  /** The numbers of nodes to draw from; as a seed likes if there are none. */
  readonly nodes?: readonly number[];
  /** Whether it is calm but for what `with` says, whatever was drawn. */
  readonly isCalm?: boolean;
  /** What is not as it was drawn. */
  readonly with?: Overrides;
}

/** The options of the world that a recipe makes. */
export function optionsOf(recipe: Recipe): SimOptions {
  return withOverrides(drawn(recipe), recipe.with ?? {});
}

/**
 * The shortest recipe for these options: it begins with this seed, or with the one that they have themselves,
 * and with what was drawn or with a calm world.
 */
export function recipeOf(options: SimOptions, seed: number, nodes: readonly number[] = []): Recipe {
  const recipes = [seed, options.seed].flatMap((seed) => {
    const base = { seed, ...(nodes.length === 0 ? {} : { nodes }) };
    return [completed(base, options), completed({ ...base, isCalm: true }, options)];
  });
  const length = (recipe: Recipe) => JSON.stringify(recipe).length;
  return recipes.reduce((best, other) => length(other) < length(best) ? other : best);
}

/** The command line that runs it. */
export function commandOf({ seed, nodes = [], isCalm, with: overrides }: Recipe): string {
  const words = ["deno", "task", "sim", "--seed", String(seed)];
  if (nodes.length > 0) words.push("--nodes", nodes.join(","));
  if (isCalm === true) words.push("--calm");
  if (overrides !== undefined) words.push("--with", JSON.stringify(overrides));
  return words.map(shellWord).join(" ");
}

/** The entry of regressions.ts that runs it from then on. */
export function regressionOf(recipe: Recipe, why: string): string {
  const { seed, nodes = [], isCalm, with: overrides } = recipe;
  const fields = [`seed: ${seed}`];
  if (nodes.length > 0) fields.push(`nodes: [${nodes.join(", ")}]`);
  if (isCalm === true) fields.push("isCalm: true");
  if (overrides !== undefined) fields.push(`with: ${JSON.stringify(overrides)}`);
  fields.push(`why: ${JSON.stringify(why)}`);
  return `{ ${fields.join(", ")} },`;
}

/** What `with` is added to. */
function drawn({ seed, nodes, isCalm }: Recipe): SimOptions {
  const options = drawOptions(seed, nodes);
  return isCalm === true ? withOverrides(options, CALM) : options;
}

function completed(base: Recipe, wanted: SimOptions): Recipe {
  const overrides = differences(wanted, drawn(base));
  return Object.keys(overrides).length === 0 ? base : { ...base, with: overrides };
}
