// One node of a local cluster as a process of its own.
//
// Its standard input is a pipe that we hold and never write to: when we end, however we end, the system
// closes it and the node stops. What it logs is passed on, and the last lines are kept, so that a node
// that dies can be quoted.

import type { PlannedNode } from "./cluster_plan.ts";
import type { Terminal } from "./terminal.ts";

/** How a process ended: its exit code, or the signal that killed it. */
export interface ProcessEnd {
  readonly code: number;
  readonly signal: string | null;
}

export class NodeProcess {
  readonly plan: PlannedNode;
  readonly pid: number;
  /** Resolves when the process is gone and all that it wrote has been read. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #lastLines: string[] = [];
  #end: ProcessEnd | undefined;

  /** Starts the process. Each line that it logs goes to standard error, behind `prefix`. */
  constructor(plan: PlannedNode, terminal: Terminal, prefix: string) {
    this.plan = plan;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...NODE_PERMISSIONS, MAIN_MODULE, ...plan.args, "--exit-with-stdin"],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      clearEnv: true,
      env: { ...MEMORY_TUNING, ...withoutOurs(terminal.environment) },
    }).spawn();
    this.pid = this.#child.pid;
    this.ended = this.#follow(terminal, prefix);
  }

  /** What the process wrote to standard error last, the oldest line first. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** How it ended; undefined while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /** Ends the process: cleanly, and by force if that takes longer than `timeoutMs`. */
  async stop(timeoutMs: number): Promise<ProcessEnd> {
    this.#send("SIGTERM");
    const timer = setTimeout(() => this.#send("SIGKILL"), timeoutMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(signal: Deno.Signal): void {
    if (this.#end !== undefined) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It may have ended in this very moment.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #follow(terminal: Terminal, prefix: string): Promise<ProcessEnd> {
    const reading = eachLine(this.#child.stderr, async (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES_COUNT) this.#lastLines.shift();
      await terminal.err(prefix + line);
    });
    const { code, signal } = await this.#child.status;
    await reading;
    await this.#child.stdin.close();
    this.#end = { code, signal };
    return this.#end;
  }
}

const MAIN_MODULE = new URL("./main.ts", import.meta.url).href;

/** All that a node needs: its libraries ask for the names of network interfaces and for variables. */
const NODE_PERMISSIONS = [
  "--quiet",
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];

/**
 * The memory allocator of glibc raises this limit by itself and then keeps what large values took, in pieces that nobody
 * can use: after clients had sent hundreds of megabytes a node stayed at two to four times its size, and with a limit
 * that stands still it goes back. Other systems do not look at it.
 */
export const MEMORY_TUNING = { MALLOC_MMAP_THRESHOLD_: "131072" };

const LAST_LINES_COUNT = 20;

/** A node of a local cluster is told everything by its flags. */
function withoutOurs(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith("DENAMO_")),
  );
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  callback: (line: string) => Promise<void>,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) await callback(line);
  }
  if (rest !== "") await callback(rest);
}
