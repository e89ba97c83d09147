// The smallest number that was put in. See extremes.ts.

import { causalType } from "./causal_type.ts";
import { extremeStore } from "./extremes.ts";

export const minStore = extremeStore("min", 7, (value, other) => value < other);

export const min = causalType(minStore);
