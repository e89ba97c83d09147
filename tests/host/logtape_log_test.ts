import assert from "node:assert/strict";
import { configureLog, createLog, silentLog } from "../../src/host/logtape_log.ts";
import { logContract } from "../contracts/log_contract.ts";

Deno.test("configureLog() writes readable lines from its level on", () => {
  const lines: string[] = [];
  configureLog({ level: "info", write: (line) => lines.push(line) });
  const log = createLog("network");
  log.debug("Nobody sees this");
  log.info("A peer was refused", { peer: "12D3", reason: "Another cluster", attempts: 2 });
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO +network: A peer was refused {2}peer=12D3 reason="Another cluster" attempts=2\n$/,
  );
});

for (const json of [false, true]) {
  logContract(json ? "JSON lines" : "text lines", () => {
    const lines: string[] = [];
    configureLog({ level: "debug", json, write: (line) => lines.push(line) });
    return { log: createLog("test"), lines: () => lines };
  });
}

Deno.test("JSON lines can be parsed, and no field overwrites the message", () => {
  const lines: string[] = [];
  configureLog({ json: true, write: (line) => lines.push(line) });
  createLog("storage", "journal").warn("A write is slow", { tookMs: 7, message: "mine" });
  const { time, ...line } = JSON.parse(lines[0]!);
  assert.ok(!Number.isNaN(Date.parse(time)));
  assert.deepEqual(line, {
    level: "warning",
    category: "storage.journal",
    message: "A write is slow",
    tookMs: 7,
  });
});

Deno.test("stderr gets the lines by default", async () => {
  const code = `import { configureLog, createLog } from "./src/host/logtape_log.ts";
    configureLog(); createLog("a").error("It failed"); Deno.exit(3);`;
  const { code: exitCode, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(exitCode, 3);
  assert.equal(stdout.length, 0);
  assert.match(new TextDecoder().decode(stderr), /ERROR +a: It failed/);
});

Deno.test("silentLog says nothing", () => {
  const lines: string[] = [];
  configureLog({ level: "debug", write: (line) => lines.push(line) });
  silentLog.error("Nobody hears this");
  assert.deepEqual(lines, []);
});
