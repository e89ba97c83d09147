// The largest number that was put in. See extremes.ts.

import { causalType } from "./causal_type.ts";
import { extremeStore } from "./extremes.ts";

export const maxStore = extremeStore("max", 6, (value, other) => value > other);

export const max = causalType(maxStore);
