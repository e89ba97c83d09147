// namespace: the settings of key prefixes, shown and changed while the cluster runs.

import { type Command, InvalidArgumentError } from "commander";
import { utf8 } from "../base/bytes.ts";
import type {
  NamespacesView,
  NamespaceView,
  SettingsInForce,
  SettingsOfPrefix,
} from "../node/api.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
  wholeNumber,
} from "./client_command.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { encodePath, type HttpClient } from "./http_client.ts";
import { duration, facts, json, table } from "./output.ts";
import { UsageError } from "./report.ts";
import { timeSpan } from "./time_span.ts";

export function addNamespaceCommand(program: Command, host: CommandHost): void {
  const command = program.command("namespace")
    .description("show and set what holds for keys that begin with a prefix")
    .addHelpText("after", ABOUT);
  const listed = command.command("list").description("all namespaces, and the defaults");
  clientCommand(host, listed, list);
  const shown = command.command("show").argument("<prefix>", "text with which the keys begin")
    .description("one namespace: what is set, and what is in force");
  clientCommand(host, shown, show);
  const set = command.command("set").argument("<prefix>", "text with which the keys begin")
    .description("set a namespace, in place of all that was set for its prefix")
    .option("--n <copies>", "how many nodes keep each key", wholeNumber)
    .option("--r <level>", "owners that must answer a read: one, quorum, all or a number", level)
    .option("--w <level>", "owners that must have a write on disk", level)
    .option("--strict", "count owners only, never their stand-ins")
    .option("--no-strict", "let others stand in for owners")
    .option("--conflicts <rule>", "siblings keeps concurrent values, lww the latest only")
    .option("--ttl <time>", "how long a value lives that is written without an expiry", timeSpan)
    .option("--compress", "compress records on the disk that shrink")
    .option("--no-compress", "write them as they are")
    .option("--timeout-ms <ms>", "when a request is given up", wholeNumber)
    .addHelpText("after", EXAMPLES);
  clientCommand(host, set, setOne);
  const removed = command.command("remove").argument("<prefix>", "text with which the keys begin")
    .description("remove what was set for a prefix; what nodes are configured with counts again");
  clientCommand(host, removed, remove);
}

const ABOUT = `
Any node takes the order; all others have it a moment later, without a restart. The longest prefix
of a key decides. What a namespace leaves open is decided by the defaults of each node.`;

const EXAMPLES = `
Change n by one at a time, and let denamo repair bring all copies up to date before the next step.

Examples:
  denamo namespace set cart: --w all
  denamo namespace set session: --conflicts lww --ttl 1h --n 2`;

interface SetOptions extends ClientOptions {
  readonly n?: number;
  readonly r?: string | number;
  readonly w?: string | number;
  readonly strict?: boolean;
  readonly conflicts?: string;
  readonly ttl?: number;
  readonly compress?: boolean;
  readonly timeoutMs?: number;
}

async function list({ terminal, http, options }: ClientCall<ClientOptions>): Promise<ExitCode> {
  const view = await ask(http);
  await terminal.out(options.json ? json(view) : namespacesText(view));
  return EXIT_CODES.ok;
}

async function show(
  { terminal, http, args, options }: ClientCall<ClientOptions>,
): Promise<ExitCode> {
  const [prefix] = args as [string];
  const found = (await ask(http)).namespaces.find((view) => view.prefix === prefix);
  if (found === undefined) {
    await terminal.err(`There is no namespace ${JSON.stringify(prefix)}`);
    return EXIT_CODES.notFound;
  }
  await terminal.out(options.json ? json(found) : namespaceText(found));
  return EXIT_CODES.ok;
}

async function setOne(
  { terminal, http, args, options }: ClientCall<SetOptions>,
): Promise<ExitCode> {
  const [prefix] = args as [string];
  const { compress, conflicts, n, r, strict, timeoutMs, ttl: ttlMs, w } = options;
  const settings = { n, r, w, strict, timeoutMs, conflicts, ttlMs, compress };
  if (Object.values(settings).every((value) => value === undefined)) {
    throw new UsageError("Nothing to set is given, such as --n 3 or --ttl 1h");
  }
  const answer = await http.request("PUT", pathOf(prefix), {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(settings),
  });
  const view: NamespaceView = answer.json();
  await terminal.out(options.json ? json(view) : namespaceText(view));
  return EXIT_CODES.ok;
}

async function remove(
  { terminal, http, args, options }: ClientCall<ClientOptions>,
): Promise<ExitCode> {
  const [prefix] = args as [string];
  const { existed }: { existed: boolean } = (await http.request("DELETE", pathOf(prefix))).json();
  if (options.json) await terminal.out(json({ existed }));
  else if (existed) await terminal.out(`Removed ${JSON.stringify(prefix)}\n`);
  else await terminal.err(`Nothing was set for ${JSON.stringify(prefix)}`);
  return existed ? EXIT_CODES.ok : EXIT_CODES.notFound;
}

async function ask(http: HttpClient): Promise<NamespacesView> {
  return (await http.request("GET", "/namespaces")).json();
}

function pathOf(prefix: string): string {
  if (prefix === "") throw new UsageError("The prefix is empty");
  return `/namespaces/${encodePath(utf8(prefix))}`;
}

/** A row for each namespace with what is in force, the defaults first, and whether all nodes agree. */
export function namespacesText({ defaults, differing, namespaces }: NamespacesView): string {
  const rows = namespaces.map(({ inForce, prefix, source }) => [
    JSON.stringify(prefix),
    ...cellsOf(inForce),
    source,
  ]);
  const header = [
    "prefix",
    "n",
    "r",
    "w",
    "strict",
    "conflicts",
    "ttl",
    "timeout",
    "compress",
    "source",
  ];
  const all = table(header, [["(defaults)", ...cellsOf(defaults), "config"], ...rows]);
  if (differing.length === 0) return all;
  return `${all}\nNot known everywhere yet: ${differing.join(", ")} last told other settings\n`;
}

/** What is in force in one namespace, and where it comes from. */
export function namespaceText({ inForce, prefix, setAtMs, setBy, source }: NamespaceView): string {
  const [n, r, w, strict, conflicts, ttl, timeout, compress] = cellsOf(inForce) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const origin = source === "config"
    ? "configuration of the nodes"
    : `set at ${setBy}, ${new Date(setAtMs!).toISOString()}`;
  return facts([
    ["prefix", JSON.stringify(prefix)],
    ["n", n],
    ["r", r],
    ["w", w],
    ["strict", strict],
    ["conflicts", conflicts],
    ["ttl", ttl],
    ["timeout", timeout],
    ["compress", compress],
    ["source", origin],
  ]);
}

function cellsOf(inForce: SettingsInForce): string[] {
  const { compress, conflicts, n, r, strict, timeoutMs, ttlMs, w } = inForce;
  return [
    n === undefined ? "?" : String(n),
    String(r),
    String(w),
    strict ? "yes" : "no",
    conflicts,
    ttlMs === undefined ? "-" : duration(ttlMs),
    duration(timeoutMs),
    compress ? "yes" : "no",
  ];
}

/** Reads a level for commander; the node judges it. */
function level(text: string): SettingsOfPrefix["r"] {
  if (/^[0-9]{1,4}$/.test(text)) return Number(text);
  if (text === "one" || text === "quorum" || text === "all") return text;
  throw new InvalidArgumentError("It must be one, quorum, all or a whole number.");
}
