import assert from "node:assert/strict";
import { startLogging } from "../../src/cli/logging.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

Deno.test("startLogging() writes lines from the level upwards, in JSON with the node's name", () => {
  const lines: string[] = [];
  const terminal = terminalWith((line) => {
    lines.push(line);
    return Promise.resolve();
  });
  const log = startLogging({ level: "warning", isJson: true, node: "n1" }, terminal);
  log.info("Too quiet");
  log.warn("The disk is full", { path: "/data" });
  assert.equal(lines.length, 1);
  const { level, message, node, path } = JSON.parse(lines[0]!);
  assert.deepEqual([level, message, node, path], ["warning", "The disk is full", "n1", "/data"]);

  const forPeople = startLogging({ level: "info", isJson: false, node: "n1" }, terminal);
  forPeople.info("Listening");
  assert.match(lines[1]!, /INFO +Listening$/);
});

Deno.test("a log that cannot be written does not stop the node", async () => {
  const terminal = terminalWith(() => Promise.reject(new Error("No space left on device")));
  const log = startLogging({ level: "info", isJson: false, node: "n1" }, terminal);
  log.error("Nobody will read this");
  // An unhandled rejection would end the test run here.
  await new Promise((resolve) => setTimeout(resolve, 0));
});

function terminalWith(err: Terminal["err"]): Terminal {
  return {
    out: () => Promise.resolve(true),
    err,
    readInput: () => Promise.resolve(new Uint8Array()),
    isOutputTerminal: false,
    isInputTerminal: false,
    environment: {},
    baseDirectory: "/",
  };
}
