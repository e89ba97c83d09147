import assert from "node:assert/strict";
import { EXIT_CODES } from "../../src/cli/exit_codes.ts";
import { jsonLines, wantsJsonLines } from "../../src/cli/json_lines.ts";
import { startLogging } from "../../src/cli/logging.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { run } from "./fake_terminal.ts";

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

Deno.test("a node that logs JSON says everything so, also before it has a log", async () => {
  const mistaken = await run(["node", "--weight", "heavy", "--log-json"]);
  assert.equal(mistaken.code, EXIT_CODES.usage);
  const { level, message } = JSON.parse(mistaken.err);
  assert.equal(level, "error");
  assert.match(message, /has 2 mistakes:\n {2}--weight/);
  const environment = { DENAMO_LOG_JSON: "true", DENAMO_WEIHGT: "2", DENAMO_NAME: "n1" };
  const data = await Deno.makeTempDir();
  const listen = "/ip4/198.51.100.7/tcp/1";
  const failed = await run(["node", "--data", data, "--listen", listen], { environment });
  assert.equal(failed.code, EXIT_CODES.cannotRun);
  const lines = failed.err.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.match(lines[0]!.message, /DENAMO_WEIHGT/);
  assert.deepEqual([lines[0]!.level, lines.at(-1)!.level], ["warning", "error"]);
  assert.match(lines.at(-1)!.message, /^Cannot start the node: Cannot listen on/);
  await Deno.remove(data, { recursive: true });
});

Deno.test("jsonLines() writes what is said as one line each", async () => {
  const said: unknown[] = [];
  const terminal = terminalWith((line) => Promise.resolve(void said.push(JSON.parse(line))));
  const out = (content: string | Uint8Array) => {
    said.push(JSON.parse(String(content)));
    return Promise.resolve(true);
  };
  const says = jsonLines({ ...terminal, out }, "warning");
  await says.err("two\nlines");
  await says.out("node n1 runs\n");
  const shown = said.map((line) => Object.values(line as object).slice(1));
  assert.deepEqual(shown, [["warning", "", "two\nlines"], ["info", "", "node n1 runs"]]);
  assert.ok(!wantsJsonLines({ environment: {}, flags: {} }));
  assert.ok(!wantsJsonLines({ environment: { DENAMO_LOG_JSON: "1" }, flags: { logJson: false } }));
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
