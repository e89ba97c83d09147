// hints: what nodes keep for owners that could not be reached, and waiting until they keep nothing.

import type { Command } from "commander";
import type { HintsView } from "../node/api.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
} from "./client_command.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import type { HttpClient } from "./http_client.ts";
import { compareNames, counted, duration, json, size, table } from "./output.ts";
import { timeSpan } from "./time_span.ts";

export function addHintsCommand(program: Command, host: CommandHost): void {
  const command = program.command("hints")
    .description("show what nodes keep for owners that could not be reached, or wait for its end");
  const show = command.command("show", { isDefault: true })
    .description("show what every node keeps (this is what hints does by itself)")
    .addHelpText("after", WINDOW);
  clientCommand(host, show, showHints);
  const wait = command.command("wait")
    .description("wait until every node says that it keeps nothing")
    .option("--timeout <time>", "when to give up (default: 60s)", timeSpan)
    .addHelpText("after", EXAMPLE);
  clientCommand(host, wait, waitForHints);
}

const WINDOW = `
For a node that has been down for three hours nothing more is kept: writes do without it, or are
refused if they cannot. What is kept stays until it is back; what else it has missed it gets from
the other owners.`;

const EXAMPLE = `
A node that cannot be asked may keep something: it is waited for too.

Example:
  denamo hints wait --timeout 5min`;

interface WaitOptions extends ClientOptions {
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const PAUSE_MS = 250;

async function showHints(
  { terminal, http, options }: ClientCall<ClientOptions>,
): Promise<ExitCode> {
  const nodes = await askHints(http);
  await terminal.out(options.json ? json({ nodes }) : hintsText(nodes));
  return EXIT_CODES.ok;
}

async function waitForHints(
  { terminal, http, options }: ClientCall<WaitOptions>,
): Promise<ExitCode> {
  const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
  const startedAtMs = performance.now();
  let nodes = await askHints(http);
  while (!nodes.every(keepsNothing) && performance.now() - startedAtMs < timeoutMs) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    nodes = await askHints(http);
  }
  const isDone = nodes.every(keepsNothing);
  if (options.json) await terminal.out(json({ nodes }));
  else if (isDone) await terminal.out(`No node keeps anything for another\n`);
  if (isDone) return EXIT_CODES.ok;
  if (!options.json) await terminal.out(hintsText(nodes));
  const count = nodes.filter((node) => !keepsNothing(node)).length;
  await terminal.err(
    `After ${duration(timeoutMs)} ${counted(count, "node")} may still keep something for others`,
  );
  return EXIT_CODES.notInOrder;
}

async function askHints(http: HttpClient): Promise<HintsView[]> {
  const { nodes }: { nodes: HintsView[] } = (await http.request("GET", "/cluster/hints")).json();
  return nodes.toSorted((a, b) => compareNames(a.node, b.node));
}

/** Whether a node is known to keep nothing. */
function keepsNothing({ error, isComplete, keys }: HintsView): boolean {
  return error === undefined && isComplete && keys === 0;
}

/** One row per node; what is not known is a question mark. */
export function hintsText(nodes: readonly HintsView[]): string {
  const rows = nodes.map((view) => {
    const { bytes, error, isComplete, keys, limitBytes, node, oldestAgeMs } = view;
    if (error !== undefined) return [node, "?", "?", "?", "?", error];
    const lacking = view.owners.map((owner) => `${owner.node} (${counted(owner.keys, "key")})`);
    const closed = view.tooLongAway.map((away) => `nothing more for ${away}`);
    const more = isComplete ? [] : ["it is still searching its disk"];
    return [
      node,
      String(keys),
      size(bytes),
      size(limitBytes),
      oldestAgeMs === undefined ? "-" : duration(oldestAgeMs),
      [...lacking, ...closed, ...more].join(", ") || "-",
    ];
  });
  const header = ["node", "keys", "size", "limit", "oldest", "lacking at"];
  return table(header, rows, ["keys", "size", "limit", "oldest"]);
}
