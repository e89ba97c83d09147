// A RESP client that hides nothing: it sends any bytes and shows replies as they came.

import { concatBytes, utf8, utf8Text } from "../../../src/base/bytes.ts";
import {
  type RespDoor,
  type RespDoorOptions,
  startRespDoor,
} from "../../../src/doors/resp/server.ts";
import type { Log } from "../../../src/ports/log.ts";
import { FakeNodeApi } from "../fake_node_api.ts";

/** An error reply. */
export class Failure {
  constructor(readonly message: string) {}
}

/** A verbatim string of RESP3. */
export class Verbatim {
  constructor(readonly text: string) {}
}

/** Bulk and simple strings are strings, nothing is null, maps of RESP3 are Maps. */
export type Reply =
  | string
  | number
  | null
  | Failure
  | Verbatim
  | readonly Reply[]
  | Map<Reply, Reply>;

const DEADLINE_MS = 10_000;

export class RawClient {
  readonly #connection: Deno.TcpConn;
  #received: Uint8Array = new Uint8Array(0);

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  async send(bytes: Uint8Array | string): Promise<void> {
    let rest = typeof bytes === "string" ? utf8(bytes) : bytes;
    while (rest.length > 0) rest = rest.subarray(await this.#connection.write(rest));
  }

  /** Sends a command of words parted by spaces, or of the arguments as they are; reads its reply. */
  async call(...words: (string | Uint8Array)[]): Promise<Reply> {
    const [line] = words;
    const isLine = words.length === 1 && typeof line === "string";
    await this.send(encoded(isLine ? line.split(" ") : words));
    return await this.reply();
  }

  async reply(): Promise<Reply> {
    return (await this.wholeReply()).reply;
  }

  /** The next reply, with its bytes. */
  async wholeReply(): Promise<{ reply: Reply; bytes: Uint8Array }> {
    for (;;) {
      const read = readReply(this.#received, 0);
      if (read !== undefined) {
        const bytes = this.#received.subarray(0, read.end);
        this.#received = this.#received.subarray(read.end);
        return { reply: read.reply, bytes };
      }
      const more = await this.#read();
      if (more === undefined) throw new Error("The connection ended within a reply");
      this.#received = concatBytes([this.#received, more]);
    }
  }

  /** Everything until the door closes the connection. */
  async rest(): Promise<string> {
    const parts = [this.#received];
    for (let more = await this.#read(); more !== undefined; more = await this.#read()) {
      parts.push(more);
    }
    return utf8Text(concatBytes(parts));
  }

  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    try {
      this.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #read(): Promise<Uint8Array | undefined> {
    const buffer = new Uint8Array(64 * 1024);
    let timer;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("No reply within the deadline")), DEADLINE_MS);
    });
    try {
      const count = await Promise.race([this.#connection.read(buffer), late]);
      return count === null ? undefined : buffer.subarray(0, count);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A command as clients send it. */
export function encoded(words: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = [utf8(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? utf8(word) : word;
    parts.push(utf8(`$${bytes.length}\r\n`), bytes.slice(), utf8("\r\n"));
  }
  return concatBytes(parts);
}

export interface Surroundings {
  readonly api: FakeNodeApi;
  readonly door: RespDoor;
  readonly client: RawClient;
  /** The messages of the door at these levels. */
  readonly logged: string[];
  connect(): Promise<RawClient>;
}

/** Runs a test with a door before a fake node, and stops it afterwards. */
export async function withDoor(
  test: (surroundings: Surroundings) => Promise<void>,
  options: Partial<RespDoorOptions> & { api?: FakeNodeApi } = {},
): Promise<void> {
  const api = options.api ?? new FakeNodeApi();
  const logged: string[] = [];
  const note = (message: string) => void logged.push(message);
  const log: Log = { debug: () => {}, info: note, warn: note, error: note };
  const door = await startRespDoor({ hostname: "127.0.0.1", port: 0, log, ...options, api });
  const clients: RawClient[] = [];
  const connect = async () => {
    const client = new RawClient(await Deno.connect({ hostname: "127.0.0.1", port: door.port }));
    clients.push(client);
    return client;
  };
  try {
    await test({ api, door, logged, connect, client: await connect() });
  } finally {
    for (const client of clients) client[Symbol.dispose]();
    await door.stop();
  }
}

/** The reply that begins at `at`; undefined if it is not whole yet. */
export function readReply(
  bytes: Uint8Array,
  at: number,
): { reply: Reply; end: number } | undefined {
  const lineEnd = bytes.indexOf(13, at);
  if (lineEnd < 0 || lineEnd + 1 >= bytes.length) return undefined;
  const sign = String.fromCharCode(bytes[at]!);
  const line = utf8Text(bytes.subarray(at + 1, lineEnd));
  const length = Number(line);
  const end = lineEnd + 2;
  switch (sign) {
    case "+":
      return { reply: line, end };
    case "-":
      return { reply: new Failure(line), end };
    case ":":
      return { reply: length, end };
    case "_":
      return { reply: null, end };
    case "$":
    case "=": {
      if (length < 0) return { reply: null, end };
      if (bytes.length < end + length + 2) return undefined;
      const text = utf8Text(bytes.subarray(end, end + length));
      return { reply: sign === "$" ? text : new Verbatim(text), end: end + length + 2 };
    }
    case "~":
    case "*":
      return length < 0 ? { reply: null, end } : readMany(bytes, end, length, (all) => all);
    case "%":
      return readMany(bytes, end, length * 2, (all) => {
        const pairs = Array.from({ length }, (_, i) => [all[i * 2]!, all[i * 2 + 1]!] as const);
        return new Map(pairs);
      });
    default:
      throw new Error(`Cannot read a reply that begins with ${JSON.stringify(sign)}`);
  }
}

function readMany(
  bytes: Uint8Array,
  at: number,
  count: number,
  make: (replies: readonly Reply[]) => Reply,
): { reply: Reply; end: number } | undefined {
  const replies: Reply[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const read = readReply(bytes, end);
    if (read === undefined) return undefined;
    replies.push(read.reply);
    end = read.end;
  }
  return { reply: make(replies), end };
}
