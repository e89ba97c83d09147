// node: one node in this process, until it is told to stop.

import { type Command, Option } from "commander";
import type { RunningNode } from "../mod.ts";
import { messageOf } from "../wire/errors.ts";
import type { CommandHost } from "./client_command.ts";
import { type NodeConfig, readNodeConfig } from "./config.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { jsonLines, wantsJsonLines } from "./json_lines.ts";
import { CannotRunError, describeError, exitCodeOf } from "./report.ts";
import { addSettingFlags, sourcesOf, warnOfVariables } from "./setting_flags.ts";
import { NODE_SETTINGS } from "./settings.ts";
import { listenForStop } from "./stop_request.ts";
import { logStrayRejections } from "./stray_rejections.ts";
import type { Terminal } from "./terminal.ts";

export function addNodeCommand(program: Command, host: CommandHost): void {
  const command = program.command("node").description("run one node");
  addSettingFlags(command, NODE_SETTINGS);
  command
    .addOption(new Option("--exit-with-stdin").hideHelp())
    .addHelpText("after", EXAMPLE)
    .action(() => {
      const { exitWithStdin = false } = command.opts<{ exitWithStdin?: boolean }>();
      return host.run(async () => {
        const sources = sourcesOf(command, host.terminal);
        let isJson = wantsJsonLines(sources);
        try {
          const config = readNodeConfig(sources);
          isJson = config.logJson === true;
          // The command that starts a local cluster has said it once for all its nodes.
          if (!exitWithStdin) {
            await warnOfVariables(isJson ? jsonLines(host.terminal, "warning") : host.terminal);
          }
          return await runNode(config, host.terminal, exitWithStdin);
        } catch (error) {
          if (!isJson) throw error;
          await jsonLines(host.terminal, "error").err(describeError(error));
          return exitCodeOf(error);
        }
      });
    });
}

const EXAMPLE = `
Example:
  denamo node --name n1 --listen /ip4/0.0.0.0/tcp/7101 --join /dns/b.example/tcp/7101 \\
    --data ./data/n1 --http 127.0.0.1:7301 --resp 127.0.0.1:7201 --zone dc1/rack1`;

/** How long a node may take to stop cleanly before its process ends all the same. */
const STOP_TIMEOUT_MS = 15_000;

async function runNode(
  config: NodeConfig,
  terminal: Terminal,
  withInput: boolean,
): Promise<ExitCode> {
  const { logLevel = "info", logJson = false, ...options } = config;
  using stop = listenForStop({ withInput });
  // The libraries of a node take a while to load, which no other command should wait for.
  const [{ startNode, StartAnewError }, { startLogging }] = await Promise.all([
    import("../mod.ts"),
    import("./logging.ts"),
  ]);
  const log = startLogging({ level: logLevel, isJson: logJson, node: options.name }, terminal);
  using _stray = logStrayRejections(log);
  const stopped = stop.asked.then(() => undefined);
  for (;;) {
    // Without others to join it may be the first of several: its operator makes the layout.
    const starting = startNode({ ...options, join: options.join ?? [], log });
    let node = await Promise.race([starting, stopped]).catch(cannotStart);
    if (node === undefined) node = await withinStopTimeout(starting).catch(cannotStart);
    else {
      const says = logJson ? jsonLines(terminal, "info") : terminal;
      await says.out(startedLine(node, options.data));
    }
    const reason = await Promise.race([stop.asked, node.failed]);
    if (typeof reason === "string") log.info("The node stops", { because: reason });
    await withinStopTimeout(node.stop());
    if (typeof reason === "string") return EXIT_CODES.ok;
    if (!(reason instanceof StartAnewError)) {
      throw new CannotRunError(`Node ${node.name} gives up: ${reason.message}`);
    }
    log.warn(reason.message);
    if (await stoppedWithin(reason.afterMs, stop.asked)) return EXIT_CODES.ok;
  }
}

/** One line with everything that a client or a peer needs. */
function startedLine(node: RunningNode, data: string): string {
  const parts = [
    ...(node.http === undefined ? [] : [`http://${node.http}`]),
    ...(node.resp === undefined ? [] : [`redis://${node.resp}`]),
    ...node.p2p,
  ];
  return `node ${node.name} runs at ${parts.join(" ")} with data in ${data}\n`;
}

/** Whether the node was told to stop while it should stay away. */
async function stoppedWithin(delayMs: number, asked: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), delayMs);
  try {
    return await Promise.race([asked.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function cannotStart(error: unknown): never {
  throw new CannotRunError(`Cannot start the node: ${messageOf(error)}`, { cause: error });
}

async function withinStopTimeout<T>(ending: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new CannotRunError(`The node did not stop within ${STOP_TIMEOUT_MS} ms`));
  }, STOP_TIMEOUT_MS);
  try {
    return await Promise.race([ending, promise]);
  } finally {
    clearTimeout(timer);
  }
}
