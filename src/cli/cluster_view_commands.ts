// status, members and ring: what an operator looks at.

import type { Command } from "commander";
import type {
  KeyPlacement,
  MemberView,
  NodeStatus,
  RingMemberView,
  RingView,
} from "../node/api.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
} from "./client_command.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { compareNames, counted, duration, facts, json, oneLine, table } from "./output.ts";

export function addViewCommands(program: Command, host: CommandHost): void {
  clientCommand(host, program.command("status").description("show how a node is"), status);
  const membersCommand = program.command("members").description("show all nodes that a node knows");
  clientCommand(host, membersCommand, members);
  const ringCommand = program.command("ring")
    .description("show how the data is spread, or where one key lives")
    .argument("[key]", "a key, a text");
  clientCommand(host, ringCommand, ring);
}

async function status({ terminal, http, options }: ClientCall<ClientOptions>): Promise<ExitCode> {
  const view: NodeStatus = (await http.request("GET", "/status")).json();
  await terminal.out(options.json ? json(view) : statusText(view));
  return EXIT_CODES.ok;
}

async function members({ terminal, http, options }: ClientCall<ClientOptions>): Promise<ExitCode> {
  const answer: { members: MemberView[] } = (await http.request("GET", "/cluster/members")).json();
  await terminal.out(options.json ? json(answer) : membersText(answer.members));
  return EXIT_CODES.ok;
}

async function ring(
  { terminal, http, args, options }: ClientCall<ClientOptions>,
): Promise<ExitCode> {
  const key = args[0];
  const answer: RingView & { placement?: KeyPlacement } =
    (await http.request("GET", "/cluster/ring", { query: { key } })).json();
  if (options.json) await terminal.out(json(answer));
  else if (key === undefined) await terminal.out(ringText(answer));
  else if (answer.placement) await terminal.out(placementText(key, answer.placement));
  else {
    await terminal.err(`Key ${oneLine(key)} has no place yet`);
    return EXIT_CODES.notFound;
  }
  return EXIT_CODES.ok;
}

/** How a node is, as facts below each other. */
export function statusText(view: NodeStatus): string {
  const layout = view.layoutId === undefined ? "none" : `${view.layoutVersion} (${view.layoutId})`;
  return facts([
    ["node", view.node],
    ["cluster", view.cluster],
    ["ready", view.isReady ? "yes" : `no: ${view.notReadyBecause ?? "it does not say why"}`],
    ["members", `${view.membersUp} of ${view.membersKnown} up`],
    ["layout", layout],
    ["zone", view.zone],
    ["uptime", duration(view.uptimeMs)],
    ["version", view.version],
    ["http", view.http ?? "-"],
    ["resp", view.resp ?? "-"],
    ["peer id", view.peerId],
    ...view.addresses.map((address, index) => [index === 0 ? "addresses" : "", address] as const),
  ]);
}

/** All members in the order of their names; the node that was asked is marked. */
export function membersText(members: readonly MemberView[]): string {
  const ids = [...new Set(members.map(({ layoutId }) => layoutId))].filter((id) =>
    id !== undefined
  );
  const rows = members.toSorted((a, b) => compareNames(a.node, b.node)).map((member) => [
    member.isSelf ? `${member.node} *` : member.node,
    member.state,
    duration(member.stateForMs),
    member.phi.toFixed(1),
    member.zone,
    String(member.weight),
    member.inLayout ? "yes" : "no",
    layoutText(member, ids.length > 1),
    member.disk ?? "?",
    member.http ?? "-",
    member.resp ?? "-",
    member.addresses[0]?.replace(/\/p2p\/.*$/, "") ?? "-",
    becauseText(member),
  ]);
  const header = [
    "node",
    "state",
    "for",
    "phi",
    "zone",
    "weight",
    "in ring",
    "layout",
    "disk",
    "http",
    "resp",
    "address",
    "because",
  ];
  return table(header, rows, ["for", "phi", "weight", "layout"]) + sourcesText(members);
}

/** The version says enough unless two clusters have met. */
function layoutText({ disk, layoutId, layoutVersion }: MemberView, areSeveral: boolean): string {
  if (disk === undefined) return "?";
  return areSeveral && layoutId !== undefined ? layoutId : String(layoutVersion);
}

/** What each source says of those that are not up, and for how long. */
function sourcesText(members: readonly MemberView[]): string {
  return members.toSorted((a, b) => compareNames(a.node, b.node))
    .filter(({ sources, state }) => state !== "up" && sources.length > 0)
    .map(({ node, sources, state }) => {
      const lines = sources.map(({ forMs, says, source }) => {
        return [`  ${source}`, `${says} (${duration(forMs)})`] as const;
      });
      return `\n${node} is ${state}\n${facts(lines)}`;
    }).join("");
}

/** What speaks for the state of a member; that it is not connected may be told already. */
function becauseText({ because, isConnected, isSelf }: MemberView): string {
  if (isSelf || isConnected || because.includes("connection")) return because;
  return `${because}, it is not connected`;
}

/** The members of a layout with their shares. */
export function ringText(view: RingView): string {
  const shares = view.members.toSorted((a, b) => compareNames(a.node, b.node));
  const title = `Layout ${view.version} (${view.id}): ${counted(view.partitions, "partition")}, ` +
    `${view.replication === 1 ? "1 copy" : `${view.replication} copies`} of each\n\n`;
  const rows = shares.map(({ node, zone, weight, partitions, load }: RingMemberView) => [
    node,
    zone,
    String(weight),
    String(partitions),
    `${(load * 100).toFixed(1)} %`,
  ]);
  const header = ["node", "zone", "weight", "partitions", "of fair share"];
  return title + table(header, rows, ["weight", "partitions", "of fair share"]);
}

function placementText(key: string, { partition, owners, fallbacks }: KeyPlacement): string {
  return facts([
    ["key", oneLine(key)],
    ["partition", String(partition)],
    ["owners", owners.join(", ")],
    ["fallbacks", fallbacks.length === 0 ? "-" : fallbacks.join(", ")],
  ]);
}
