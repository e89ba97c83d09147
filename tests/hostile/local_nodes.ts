// A local cluster of real processes for hostile tests: where its nodes listen, and what they take.

import assert from "node:assert/strict";
import { freePortBase } from "../cluster/free_ports.ts";
import { DenamoProcess, isAlive, pidsIn } from "../cluster/processes.ts";
import type { Addresses } from "./served.ts";

export interface LocalNodes extends AsyncDisposable {
  readonly addresses: Addresses;
  /** Where peers connect to: host and port. */
  readonly p2p: readonly string[];
  readonly pids: readonly number[];
  /** What the nodes have logged. */
  readonly log: string;
  /** Whether every node is the process that it was at the beginning. */
  areAlive(): Promise<boolean>;
}

/** Starts a cluster of three and waits until it is ready. */
export async function startLocalNodes(
  args: readonly string[] = [],
  options: { openFilesCount?: number } = {},
): Promise<LocalNodes> {
  const data = await Deno.makeTempDir({ prefix: "denamo-hostile-" });
  const base = freePortBase(3);
  const cluster = new DenamoProcess(
    ["cluster", "--nodes", "3", "--data", data, "--port-base", String(base), ...args],
    options,
  );
  const end = async () => {
    await cluster[Symbol.asyncDispose]();
    await Deno.remove(data, { recursive: true });
  };
  try {
    await cluster.line(/^cluster ready$/);
    const pids = await pidsIn(data, ["n1", "n2", "n3"]);
    const at = (offset: number) => [1, 2, 3].map((k) => `127.0.0.1:${base + offset + k}`);
    return {
      addresses: { http: at(200), resp: at(100) },
      p2p: at(0),
      pids,
      get log() {
        return cluster.err;
      },
      areAlive: () => Promise.resolve(pids.every(isAlive)),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The memory of a process that is in RAM, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const kib = await residentKib(pid);
  assert.ok(Number.isSafeInteger(kib), `Process ${pid} has gone`);
  return kib * 1024;
}

/** NaN if the process has gone. `ps` is asked only where the system does not say it itself: small images lack it. */
async function residentKib(pid: number): Promise<number> {
  if (Deno.build.os === "linux") {
    const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
    return Number(status.match(/^VmRSS:\s*(\d+) kB$/m)?.[1]);
  }
  const args = ["-o", "rss=", "-p", String(pid)];
  const { stdout, success } = await new Deno.Command("ps", { args }).output();
  return success ? Number(new TextDecoder().decode(stdout)) : NaN;
}
