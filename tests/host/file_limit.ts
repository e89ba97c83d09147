// Processes that cannot make large files: to them a disk is full. No rights are needed for that.

import assert from "node:assert/strict";

/** The arguments for `sh` that run a command whose files must not grow beyond a size, in KiB. */
export function withFileLimit(sizeKib: number, command: readonly string[]): string[] {
  // The blocks of a POSIX shell have 512 bytes. Without the trap the process would be ended by a signal.
  const script = `trap '' XFSZ; ulimit -S -f ${2 * sizeKib}; exec "$@"`;
  return ["-c", script, "sh", ...command];
}

/** Lets the files of a process grow as they like. */
export async function raiseFileLimit(pid: number): Promise<void> {
  const args = ["--pid", String(pid), "--fsize=unlimited:"];
  const { stderr, success } = await new Deno.Command("prlimit", { args }).output();
  assert.ok(success, `Cannot raise the limit of files: ${new TextDecoder().decode(stderr)}`);
}
