// The terminal, or what stands in for it: commands write, read and look around through this only.
//
// The reader of standard output may go away at any time (`denamo list | head`). That is no error of
// ours: writing then says false, and whoever has more to say stops.

import { concatBytes, utf8 } from "../base/bytes.ts";
import { TooLargeError } from "../wire/errors.ts";

/** What a command sees of the process that it runs in. */
export interface Terminal {
  /** Writes to standard output. Resolves with false once its reader has gone. */
  out(content: string | Uint8Array): Promise<boolean>;
  /** Writes a line to standard error. */
  err(line: string): Promise<void>;
  /** Everything on standard input, up to its end. @throws {TooLargeError} above `limitBytes` */
  readInput(limitBytes: number): Promise<Uint8Array<ArrayBuffer>>;
  readonly isOutputTerminal: boolean;
  readonly isInputTerminal: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** The directory that the user stands in: relative paths count from it. */
  readonly baseDirectory: string;
}

/** The terminal of this process. */
export function systemTerminal(): Terminal {
  const environment = Deno.env.toObject();
  return {
    out: (content) => write(Deno.stdout, content),
    err: async (line) => {
      await write(Deno.stderr, line + "\n");
    },
    readInput: (limitBytes) => readAll(Deno.stdin.readable, limitBytes),
    isOutputTerminal: Deno.stdout.isTerminal(),
    isInputTerminal: Deno.stdin.isTerminal(),
    environment,
    // `deno task` changes to the directory of deno.json, and says where the user was.
    baseDirectory: environment["INIT_CWD"] || Deno.cwd(),
  };
}

/** Reads a stream to its end. @throws {TooLargeError} as soon as there are more bytes than the limit */
export async function readAll(
  stream: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > limitBytes) throw new TooLargeError("The value", limitBytes, length);
    parts.push(part);
  }
  return concatBytes(parts);
}

/** How long to wait for a pipe that is full and must not block. */
const FULL_PIPE_PAUSE_MS = 5;

async function write(
  stream: { writeSync(bytes: Uint8Array): number },
  content: string | Uint8Array,
): Promise<boolean> {
  const bytes = typeof content === "string" ? utf8(content) : content;
  for (let at = 0; at < bytes.length;) {
    try {
      at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) return false;
      // Another process may have made a shared pipe non-blocking.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_PAUSE_MS));
    }
  }
  return true;
}
