import assert from "node:assert/strict";
import { type Command, NO_KEYS } from "../../../src/doors/resp/command.ts";
import { CommandStats } from "../../../src/doors/resp/command_stats.ts";

const GET: Command = {
  name: "get",
  arity: 2,
  run: () => {},
  group: "string",
  summary: "",
  flags: [],
  keys: NO_KEYS,
};

Deno.test("figures() adds up the calls of each command", () => {
  const stats = new CommandStats();
  stats.ran(GET, 2, false);
  stats.ran(GET, 3, true);
  stats.rejected(GET);
  assert.deepEqual([...stats.figures()], [
    { command: GET, callsCount: 2, durationMs: 5, rejectedCount: 1, failedCount: 1 },
  ]);
});

Deno.test("commandsPerSecond is of the time between the last two samples", () => {
  const stats = new CommandStats();
  stats.sample(1_000, 500);
  assert.equal(stats.commandsPerSecond, 0);
  stats.sample(3_000, 600);
  assert.equal(stats.commandsPerSecond, 50);
  stats.sample(3_000, 700);
  assert.equal(stats.commandsPerSecond, 50);
  stats.sample(4_000, 700);
  assert.equal(stats.commandsPerSecond, 100);
});
