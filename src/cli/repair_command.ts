// repair: have all copies compared and brought up to date now, or only look whether they differ.

import { type Command, InvalidArgumentError } from "commander";
import type { DifferencesView, RepairView, RingView } from "../node/api.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
} from "./client_command.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { ProblemError } from "./http_client.ts";
import { compareNames, counted, json, table } from "./output.ts";

export function addRepairCommand(program: Command, host: CommandHost): void {
  const command = program.command("repair")
    .description("compare the copies of all nodes and bring them up to date, or only --check them")
    .option("--partition <numbers>", "only these partitions, with commas between them", partitions)
    .option("--node <name>", "only the copies of this node with those of the others")
    .option("--check", "change nothing: say which partitions differ")
    .addHelpText("after", EXAMPLES);
  clientCommand(host, command, repair);
}

const EXAMPLES = `
Nodes compare their copies all the time; this does it at once. denamo ring KEY names the partition of
a key. Differences that --check finds end it with exit code 8, as do nodes that cannot be asked.

Examples:
  denamo repair
  denamo repair --partition 17 --node n1
  denamo repair --check --json`;

interface RepairOptions extends ClientOptions {
  readonly partition?: readonly number[];
  readonly node?: string;
  readonly check?: boolean;
}

/** A disk that was lost may take long to be filled. */
const REPAIR_TIMEOUT_MS = 3_600_000;

async function repair(call: ClientCall<RepairOptions>): Promise<ExitCode> {
  return await (call.options.check ? check(call) : repairAll(call));
}

async function check({ terminal, http, options }: ClientCall<RepairOptions>): Promise<ExitCode> {
  const query = { partitions: options.partition?.join(",") };
  const answer = await http.request("GET", "/cluster/differences", { query });
  const view = only(options.node, answer.json());
  await terminal.out(options.json ? json(view) : differencesText(view));
  const isEqual = view.differences.length === 0 && view.unasked.length === 0;
  return isEqual ? EXIT_CODES.ok : EXIT_CODES.notInOrder;
}

/** What concerns one node, if one is named. */
function only(node: string | undefined, view: DifferencesView): DifferencesView {
  if (node === undefined) return view;
  const { differences, partitions, unasked } = view;
  return {
    partitions,
    differences: differences.filter(({ groups }) => groups.some((group) => group.includes(node))),
    unasked: unasked.filter((one) => one.node === node),
  };
}

/** One node after the other: the second finds done what the first has done. */
async function repairAll(
  { terminal, http, options }: ClientCall<RepairOptions>,
): Promise<ExitCode> {
  const nodes = options.node === undefined
    ? ((await http.request("GET", "/cluster/ring")).json() as RingView).members
      .map(({ node }) => node).sort(compareNames)
    : [options.node];
  const views: RepairView[] = [];
  for (const node of nodes) {
    try {
      const answer = await http.request("POST", "/cluster/repair", {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ node, partitions: options.partition }),
        timeoutMs: REPAIR_TIMEOUT_MS,
      });
      views.push(answer.json());
    } catch (error) {
      const isAway = error instanceof ProblemError && error.problem.code === "timeout";
      if (!isAway || options.node !== undefined) throw error;
      views.push({ node, peers: [failed(node, error.message)] });
    }
  }
  await terminal.out(options.json ? json({ nodes: views }) : repairText(views));
  const hasFailed = views.some(({ peers }) => peers.some(({ error }) => error !== undefined));
  return hasFailed ? EXIT_CODES.notInOrder : EXIT_CODES.ok;
}

function failed(node: string, error: string) {
  return { node, error, partitions: 0, differing: [], repaired: 0 };
}

/** How many comparisons there were and what they did, and a row for each that found or met something. */
export function repairText(views: readonly RepairView[]): string {
  const all = views.flatMap(({ node, peers }) => peers.map((peer) => ({ ...peer, by: node })));
  const rows = all.filter(({ differing, error }) => differing.length > 0 || error !== undefined)
    .map(({ by, differing, error, node, partitions, repaired }) => {
      const counts = [partitions, differing.length, repaired].map(String);
      const shown = error === undefined ? [...counts, ""] : ["-", "-", "-", error];
      return [by, node === by ? "-" : node, ...shown];
    });
  const repaired = all.reduce((sum, peer) => sum + peer.repaired, 0);
  const copies = repaired === 1 ? "1 copy" : `${repaired} copies`;
  const done = `${counted(all.length, "comparison")}, ${copies} brought up to date\n`;
  if (rows.length === 0) return done;
  const header = ["node", "with", "partitions", "differing", "repaired", "problem"];
  return `${table(header, rows, ["partitions", "differing", "repaired"])}\n${done}`;
}

/** What differs, between whom, and who could not be asked. */
export function differencesText({ differences, partitions, unasked }: DifferencesView): string {
  const count = counted(partitions, "partition");
  if (differences.length === 0 && unasked.length === 0) {
    return `All owners hold the same: ${count}\n`;
  }
  const rows = differences.map(({ copies, groups, partition }) => [
    String(partition),
    String(copies),
    groups.map((group) => group.join(" ")).join(" | "),
  ]);
  const different = new Set(differences.map(({ partition }) => partition)).size;
  const lines = differences.length === 0
    ? `Those that were asked hold the same: ${count}\n`
    : `${table(["partition", "copies", "different copies"], rows, ["partition", "copies"])}\n` +
      `${different} of ${count} ${different === 1 ? "differs" : "differ"}\n`;
  return lines + unasked.map(({ error, node }) => `${node} was not asked: ${error}\n`).join("");
}

/** Reads numbers with commas between them, for commander. */
function partitions(text: string): number[] {
  const numbers = text.split(",").map((part) => /^[0-9]{1,5}$/.test(part) ? Number(part) : NaN);
  if (!numbers.includes(NaN)) return numbers;
  throw new InvalidArgumentError("It must be whole numbers with commas between them.");
}
