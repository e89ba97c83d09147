import assert from "node:assert/strict";
import { logStrayRejections } from "../../src/cli/stray_rejections.ts";

Deno.test("logStrayRejections() logs a promise that nobody waited for, and the process goes on", async () => {
  const silent = () => {};
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const log = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (_message: string, fields?: Readonly<Record<string, unknown>>) =>
      resolve(fields?.["problem"]),
  };
  using _listening = logStrayRejections(log);
  Promise.reject(new RangeError("out of sockets"));
  assert.match(String(await promise), /^RangeError: out of sockets/);
});
