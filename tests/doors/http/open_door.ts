// A door on a free port of this machine, in front of a node in memory, for one test.

import type { Log, LogFields } from "../../../src/ports/log.ts";
import {
  type HttpDoor,
  type HttpDoorOptions,
  startHttpDoor,
} from "../../../src/doors/http/server.ts";
import { FakeNodeApi } from "../fake_node_api.ts";

export class OpenDoor implements AsyncDisposable {
  /** What the door has told its operator: level and message. */
  readonly logged: string[];
  readonly api: FakeNodeApi;
  readonly door: HttpDoor;

  constructor(api: FakeNodeApi, door: HttpDoor, logged: string[]) {
    this.api = api;
    this.door = door;
    this.logged = logged;
  }

  static async open(options: Partial<HttpDoorOptions> = {}): Promise<OpenDoor> {
    const logged: string[] = [];
    const api = new FakeNodeApi();
    const door = await startHttpDoor({
      api,
      hostname: "127.0.0.1",
      port: 0,
      log: recordingLog(logged),
      ...options,
    });
    return new OpenDoor(api, door, logged);
  }

  get url(): string {
    return `http://127.0.0.1:${this.door.port}`;
  }

  /** fetch() with a path instead of a URL. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** Fetches, wants this status, and reads the body as JSON. */
  async json(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await this.fetch(path, init);
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  put(path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, { method: "PUT", body, headers });
  }

  /** A connection without any client's manners. */
  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.door.port });
  }

  /** Sends a request line as it is, which fetch() would change, and resolves with the whole answer. */
  async raw(requestLine: string, host = "localhost"): Promise<string> {
    const connection = await this.connect();
    await connection.write(
      new TextEncoder().encode(
        `${requestLine} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      ),
    );
    return await new Response(connection.readable).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.door.stop();
  }
}

export interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
  readonly headers: Headers;
}

/** Reads a body to its end and throws it away, so that its connection is free again. */
export async function drop(response: Response): Promise<Response> {
  await response.bytes();
  return response;
}

/** Resolves once `condition` holds; rejects after ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function recordingLog(logged: string[]): Log {
  const record = (level: string) => (message: string, fields: LogFields = {}) => {
    logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
  };
  return {
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
  };
}
