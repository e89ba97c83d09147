// Worlds that have found a defect, kept so that it stays mended.
//
// A world means what it meant only while options, faults and clients draw as they did; each defect has a test
// of its own beside the code that had it as well.

import type { Recipe } from "./recipe.ts";

export interface Regression extends Recipe {
  readonly why: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    seed: 178,
    why: "an answer to a process that had died was taken for an answer to the next one",
  },
];
