// Runs small worlds in every order of their events and tells how many there were:
// `deno run -A scripts/exhaustive.ts`.
//
// Two nodes and two requests with one crash: every order. Three nodes and three requests: every order within two
// delays of the natural one. With `--only TEXT` only the scenarios are run whose names contain it; with
// `--jobs N` on N threads. "Given up" are orders that turned out to differ in nothing from others. The exit code
// is 1 if a promise was broken. The first third of them takes half an hour of one processor.

import { parseArgs } from "node:util";
import { duration } from "../src/cli/output.ts";
import { THREE_NODES, TWO_NODES } from "../tests/exhaustive/scenarios.ts";
import type { ExhaustiveReport } from "./exhaustive_worker.ts";
import { SeedThread } from "./seed_thread.ts";

/** How long one scenario may take: far longer than any does. */
const LIMIT_MS = 3_600_000;

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
  },
});

const names = [...TWO_NODES, ...THREE_NODES].map(({ name }) => name)
  .filter((name) => name.includes(options.only));
const sums = { orders: 0, givenUp: 0, broken: 0 };
const beganAtMs = performance.now();
const left = [...names];
const module = new URL("./exhaustive_worker.ts", import.meta.url);

console.log("   orders  given up  results  broken  scenario");
await Promise.all(Array.from({ length: Number(options.jobs) }, async () => {
  using thread = new SeedThread<string, ExhaustiveReport>(module, LIMIT_MS);
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    tell((await thread.run(name))!);
  }
}));
console.log(
  `${names.length} scenarios, ${sums.orders} orders and ${sums.givenUp} given up in ` +
    `${duration(performance.now() - beganAtMs)}, ${sums.broken} orders broke a promise`,
);
Deno.exitCode = sums.broken > 0 ? 1 : 0;

function tell(
  { name, orderCount, givenUpCount, resultCount, brokenCount, first }: ExhaustiveReport,
) {
  const figures = [[orderCount, 9], [givenUpCount, 10], [resultCount, 9], [
    brokenCount,
    8,
  ]] as const;
  console.log(
    figures.map(([figure, width]) => String(figure).padStart(width)).join("") + `  ${name}`,
  );
  sums.orders += orderCount;
  sums.givenUp += givenUpCount;
  sums.broken += brokenCount;
  if (first === undefined) return;
  for (const violation of first.violations) console.log(`- ${violation}`);
  for (const request of first.requests) console.log(`  ${request}`);
  console.log(`  events: ${first.events.join(", ")}`);
}
