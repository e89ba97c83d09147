// A redis-server of its own for a test, without a disk, on a free port.

import { waitFor } from "../cluster/wait_for.ts";
import { RawClient } from "../doors/resp/raw_client.ts";

export class RedisServer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #port: number;

  private constructor(process: Deno.ChildProcess, port: number) {
    this.#process = process;
    this.#port = port;
  }

  static async start(): Promise<RedisServer> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const process = new Deno.Command("redis-server", {
      args: [
        ...["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        // On a busy machine any command may be slow.
        ...["--slowlog-log-slower-than", "-1"],
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const server = new RedisServer(process, port);
    await waitFor("redis-server to answer", async () => {
      try {
        using client = await server.connect();
        return await client.call("PING") === "PONG";
      } catch {
        // It does not listen yet.
        return false;
      }
    });
    return server;
  }

  async connect(): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port: this.#port }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }
}
