// cluster: a whole cluster on this machine, one process per node, until it is told to stop.

import type { Command } from "commander";
import { join } from "node:path";
import type { NodeStatus } from "../node/api.ts";
import { messageOf } from "../wire/errors.ts";
import type { CommandHost } from "./client_command.ts";
import { checkSize, LOCAL_HOST, planCluster, type PlannedNode } from "./cluster_plan.ts";
import { waitUntilReady } from "./cluster_readiness.ts";
import { type ClusterConfig, readClusterConfig } from "./config.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { NodeProcess, type ProcessEnd } from "./node_process.ts";
import { json, shellWord } from "./output.ts";
import { CannotRunError } from "./report.ts";
import { addSettingFlags, sourcesOf, warnOfVariables } from "./setting_flags.ts";
import { CLUSTER_SETTINGS } from "./settings.ts";
import { listenForStop, type StopRequest } from "./stop_request.ts";
import type { Terminal } from "./terminal.ts";

export function addClusterCommand(program: Command, host: CommandHost): void {
  const command = program.command("cluster").description("run a whole cluster on this machine");
  addSettingFlags(command, CLUSTER_SETTINGS);
  command
    .addHelpText("after", "\nExample:\n  denamo cluster --nodes 5 --data ./data --port-base 7100")
    .action(() =>
      host.run(async () => {
        const config = readClusterConfig(sourcesOf(command, host.terminal));
        await warnOfVariables(host.terminal);
        return runCluster(config, host.terminal);
      })
    );
}

const READY_TIMEOUT_MS = 30_000;

/** A node that is asked to stop gives up by itself a little before. */
const STOP_TIMEOUT_MS = 20_000;

/** Says how many nodes the data is that of. */
const RECORD_FILE = "cluster.json";

async function runCluster(config: ClusterConfig, terminal: Terminal): Promise<ExitCode> {
  using stop = listenForStop({ withInput: false });
  const plan = planCluster(config);
  checkPorts(plan);
  await claimDirectory(config);
  const processes = plan.map((node) =>
    new NodeProcess(node, terminal, config.logJson ? "" : `${node.name} | `)
  );
  try {
    const ready = await whenReady(processes, stop);
    if (ready !== undefined) {
      const lines = processes.map((process, index) => readyLine(process, ready[index]!));
      await terminal.out([...lines, "cluster ready"].join("\n") + "\n");
      await untilStopped(processes, stop, terminal);
    }
  } finally {
    await stopAll(processes);
  }
  return EXIT_CODES.ok;
}

/** Undefined if it is to stop before it is ready. */
async function whenReady(
  processes: readonly NodeProcess[],
  stop: StopRequest,
): Promise<NodeStatus[] | undefined> {
  const nodes = processes.map((process) => ({
    name: process.plan.name,
    url: process.plan.url,
    checkAlive: () => {
      if (process.end === undefined) return;
      const lines = process.lastLines.map((line) => `\n  ${line}`).join("");
      throw new CannotRunError(
        `Node ${process.plan.name} ${endText(process.end)} while the cluster started:${lines}`,
      );
    },
  }));
  return await waitUntilReady(nodes, { timeoutMs: READY_TIMEOUT_MS, signal: stop.signal });
}

/** The others go on when a node ends: that is what they are for. */
async function untilStopped(
  processes: readonly NodeProcess[],
  stop: StopRequest,
  terminal: Terminal,
): Promise<void> {
  const endings = processes.map(async ({ ended, lastLines, pid, plan }) => {
    const end = await ended;
    if (stop.signal.aborted) return;
    const panic = panicIn(lastLines);
    const why = panic === undefined
      ? ""
      : `, as Deno itself failed (${panic}): its store is checked ` +
        "when it starts, and set aside if it is damaged";
    await terminal.err(
      `Warning: node ${plan.name} (pid ${pid}) ${endText(end)}${why}; start it again with: ` +
        restartCommand(plan),
    );
  });
  await Promise.race([stop.asked, Promise.all(endings)]);
  if (!stop.signal.aborted) throw new CannotRunError("No node of the cluster is left");
}

async function stopAll(processes: readonly NodeProcess[]): Promise<void> {
  const running = processes.filter(({ end }) => end === undefined);
  const ends = await Promise.all(running.map((process) => process.stop(STOP_TIMEOUT_MS)));
  const forced = running.filter((_, index) => ends[index]!.signal === "SIGKILL");
  if (forced.length === 0) return;
  const names = forced.map(({ plan }) => plan.name).join(", ");
  throw new CannotRunError(
    `${names} did not stop within ${STOP_TIMEOUT_MS / 1000} s and had to be killed`,
  );
}

function checkPorts(plan: readonly PlannedNode[]): void {
  const problems: string[] = [];
  for (const { name, ports } of plan) {
    for (const [door, port] of Object.entries(ports)) {
      try {
        Deno.listen({ hostname: LOCAL_HOST, port }).close();
      } catch (error) {
        const problem = error instanceof Deno.errors.AddrInUse ? "is in use" : messageOf(error);
        problems.push(`Port ${port} (${door} of ${name}) ${problem}`);
      }
    }
  }
  if (problems.length === 0) return;
  throw new CannotRunError(
    [...problems, "Stop what uses these ports, or take others with --port-base"].join("\n"),
  );
}

/** Checks that the data is of as many nodes, and notes how many they are. */
async function claimDirectory(config: ClusterConfig): Promise<void> {
  const path = join(config.data, RECORD_FILE);
  try {
    await Deno.mkdir(config.data, { recursive: true });
    const found = await Array.fromAsync(Deno.readDir(config.data), ({ name }) => name);
    const recorded = found.includes(RECORD_FILE)
      ? nodesIn(path, await Deno.readTextFile(path))
      : undefined;
    checkSize(config, found, recorded);
    if (recorded !== undefined) return;
    await Deno.writeTextFile(`${path}.tmp`, json({ version: 1, nodes: config.nodes }));
    await Deno.rename(`${path}.tmp`, path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new CannotRunError(`Cannot use ${config.data}: ${messageOf(error)}`);
  }
}

function nodesIn(path: string, text: string): number {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    throw new CannotRunError(`${path} is damaged: ${messageOf(error)}`);
  }
  const nodes = (record as { nodes?: unknown } | null)?.nodes;
  if (typeof nodes === "number" && Number.isSafeInteger(nodes)) return nodes;
  throw new CannotRunError(`${path} is damaged: it does not say how many nodes there are`);
}

/** Whether the operating system said no, rather than the program going wrong. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string";
}

function readyLine({ plan, pid }: NodeProcess, { addresses }: NodeStatus): string {
  const { ports: { resp }, url, name, data } = plan;
  return [name, url, `redis://${LOCAL_HOST}:${resp}`, ...addresses, `pid ${pid}`, `data ${data}`]
    .join("  ");
}

function endText({ code, signal }: ProcessEnd): string {
  return signal === null ? `ended with code ${code}` : `was killed by ${signal}`;
}

/** What Deno said when it ended the process by itself, as it does when Deno KV meets a damaged page. */
export function panicIn(lines: readonly string[]): string | undefined {
  const at = lines.findIndex((line) => /^thread '.*' .*panicked at /.test(line));
  return at === -1 ? undefined : lines[at + 1]?.trim() ?? "it does not say why";
}

function restartCommand({ args }: PlannedNode): string {
  return ["deno", "task", "denamo", ...args].map(shellWord).join(" ");
}
