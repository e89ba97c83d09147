import assert from "node:assert/strict";
import { acceptConnections } from "../../src/doors/accepting.ts";

/** A listener that gives what a test says: an error, or a connection. */
function listenerOf(answers: readonly (Error | string)[], onEmpty: () => void): Deno.TcpListener {
  const left = [...answers];
  const accept = () => {
    const answer = left.shift();
    if (answer === undefined) {
      onEmpty();
      return Promise.reject(new Deno.errors.BadResource("Listener has been closed"));
    }
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { accept } as unknown as Deno.TcpListener;
}

Deno.test("acceptConnections() goes on after errors, and says them once a minute", async () => {
  const outOfFiles = () => new Error("Too many open files (os error 24)");
  const warnings: string[] = [];
  const admitted: unknown[] = [];
  let isStopping = false;
  let roomMade = 0;
  const silent = () => {};
  await acceptConnections(
    listenerOf(["a", outOfFiles(), outOfFiles(), "b", outOfFiles(), "c"], () => isStopping = true),
    (connection) => admitted.push(connection),
    {
      door: "RESP",
      log: {
        debug: silent,
        info: silent,
        warn: (message, fields) => warnings.push(`${message}: ${fields?.["problem"]}`),
        error: silent,
      },
      isStopping: () => isStopping,
      makeRoom: () => ++roomMade > 1,
    },
  );
  assert.deepEqual(admitted, ["a", "b", "c"]);
  assert.equal(roomMade, 3);
  assert.deepEqual(warnings, [
    "Cannot accept a connection for RESP; the door goes on: Too many open files (os error 24)",
  ]);
});
