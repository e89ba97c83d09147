import assert from "node:assert/strict";
import { createConnection, createServer, type Socket } from "node:net";
import { waitFor } from "../cluster/wait_for.ts";
import { CuttingProxies } from "./cutting_proxy.ts";

Deno.test("what is cut waits without a word, and arrives when the wire is healed", async () => {
  let heard = "";
  const server = createServer((socket) => {
    socket.on("data", (bytes) => heard += new TextDecoder().decode(bytes));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  // Whoever dials is found by its process: this one plays n1.
  const proxies = new CuttingProxies(["n1", "n2"], (node) => node === "n1" ? Deno.pid : undefined);
  const socket = createConnection({ host: "127.0.0.1", port: await proxies.open("n2", port) });
  try {
    socket.write("one ");
    await waitFor("the first word", () => heard === "one ");
    proxies.isolate("n2");
    socket.write("two ");
    await settled(socket);
    assert.equal(heard, "one ", "nothing passes");
    proxies.healAll();
    await waitFor("what has waited", () => heard === "one two ");
  } finally {
    socket.destroy();
    await proxies[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Waits until what was written has left for the proxy, and some turns of the event loop longer. */
async function settled(socket: Socket): Promise<void> {
  await waitFor("the words to leave", () => socket.writableLength === 0);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}
