// Real processes of `denamo` for tests: their output line by line, and who is still there.

import assert from "node:assert/strict";
import { MEMORY_TUNING } from "../../src/cli/node_process.ts";
import process from "node:process";
import { withFileLimit } from "../host/file_limit.ts";
import { waitFor } from "./wait_for.ts";

const MAIN_MODULE = new URL("../../src/cli/main.ts", import.meta.url).href;

/** A process that runs. Disposing kills it if it still does. */
export class DenamoProcess implements AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #out = "";
  #err = "";
  #hasEnded = false;

  /**
   * @param options `fileLimitKib`: how large its files can be, until the limit is raised; `openFilesCount`: how many
   * files and sockets it and each of its nodes may have open; `before`: a program with its arguments that becomes this
   * process, such as one that lets it run elsewhere
   */
  constructor(
    args: readonly string[],
    options: {
      stdin?: "piped" | "null";
      fileLimitKib?: number;
      openFilesCount?: number;
      before?: readonly string[];
    } = {},
  ) {
    const { fileLimitKib, openFilesCount, before = [] } = options;
    const command = [
      ...before,
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      "--quiet",
      MAIN_MODULE,
      ...args,
    ];
    const [program, ...rest] = fileLimitKib !== undefined
      ? ["sh", ...withFileLimit(fileLimitKib, command)]
      : openFilesCount !== undefined
      ? ["sh", "-c", `ulimit -n ${openFilesCount}; exec "$@"`, "sh", ...command]
      : command;
    this.#child = new Deno.Command(program!, {
      args: rest,
      // As every way of starting a node that we give out does.
      env: MEMORY_TUNING,
      stdin: options.stdin ?? "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.status = this.#child.status.then((status) => {
      this.#hasEnded = true;
      return status;
    });
    this.#reading = Promise.all([
      readText(this.#child.stdout, (text) => this.#out += text),
      readText(this.#child.stderr, (text) => this.#err += text),
    ]);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  get outLines(): string[] {
    return this.#out.split("\n").slice(0, -1);
  }

  /** Waits for a line on standard output; fails at once if the process ends before. */
  async line(pattern: RegExp): Promise<string> {
    return await waitFor(`a line like ${pattern}`, () => {
      const line = this.outLines.find((line) => pattern.test(line));
      assert.ok(line !== undefined || !this.#hasEnded, `The process has ended: ${this.#err}`);
      return line;
    });
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async closeInput(): Promise<void> {
    await this.#child.stdin.close();
  }

  /** The exit code, once the process has ended and its output is read. */
  async code(): Promise<number> {
    const { code } = await waitFor(
      "the end of the process",
      () => this.#hasEnded ? this.status : undefined,
    );
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await this.status;
    await this.#reading;
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** The pids of the nodes of a local cluster, from their node.json. */
export async function pidsIn(data: string, names: readonly string[]): Promise<number[]> {
  return await Promise.all(names.map(async (name) => {
    return JSON.parse(await Deno.readTextFile(`${data}/${name}/node.json`)).pid as number;
  }));
}

async function readText(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  callback: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) callback(text);
}
