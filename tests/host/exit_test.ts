import assert from "node:assert/strict";

/** Far longer than it takes, far shorter than for ever. */
const DEADLINE_MS = 30_000;

Deno.test("a process whose networks have stopped ends by itself", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./exit_program.ts", import.meta.url).pathname],
    cwd: new URL("../../", import.meta.url),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  const { code, signal, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(signal, null, `it had to be killed after it said: ${said}`);
  assert.equal(code, 0, said);
  assert.match(said, /stopped/);
});
