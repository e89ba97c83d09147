// A terminal in memory: what a command writes can be read, what it reads is given.

import { concatBytes, utf8, utf8Text } from "../../src/base/bytes.ts";
import { runProgram } from "../../src/cli/program.ts";
import { readAll, type Terminal } from "../../src/cli/terminal.ts";

export interface FakeTerminalOptions {
  /** Standard input; a terminal without it. */
  readonly input?: Uint8Array;
  readonly environment?: Record<string, string>;
  readonly isOutputTerminal?: boolean;
  /** After how many writes the reader of standard output goes away. */
  readonly outputEndsAfter?: number;
}

/** What a command line has done. */
export interface Run {
  readonly code: number;
  readonly out: Uint8Array;
  readonly outText: string;
  readonly err: string;
}

/** Runs one command line of `denamo` in this process. */
export async function run(
  args: readonly string[],
  options: FakeTerminalOptions = {},
): Promise<Run> {
  const { input, environment = {}, isOutputTerminal = false, outputEndsAfter = Infinity } = options;
  const written: Uint8Array[] = [];
  let err = "";
  const terminal: Terminal = {
    out: (content) => {
      if (written.length >= outputEndsAfter) return Promise.resolve(false);
      written.push(typeof content === "string" ? utf8(content) : content.slice());
      return Promise.resolve(true);
    },
    err: (line) => {
      err += line + "\n";
      return Promise.resolve();
    },
    readInput: (limitBytes) => readAll(ReadableStream.from([input ?? utf8("")]), limitBytes),
    isOutputTerminal,
    isInputTerminal: input === undefined,
    environment,
    baseDirectory: Deno.cwd(),
  };
  const code = await runProgram(args, terminal);
  const out = concatBytes(written);
  return { code, out, outText: utf8Text(out), err };
}
