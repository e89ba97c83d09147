// INFO: what a node tells of itself, in the sections and lines that monitoring of Redis reads.
//
// `loading:1` stands for "not ready": clients wait for it to become 0 before they send commands. A node that sees too few
// others is not ready for load balancers, and yet serves what it can to those who have come to it, as all do at a cut.

import type { NodeApi } from "../../node/api.ts";
import type { Client } from "./command.ts";

/** The version of Redis whose commands these are: clients decide by it what they may send. */
const REDIS_VERSION = "7.0.0";

/**
 * The text of the sections named, in any case; without names, or for `all`, `default` or `everything`,
 * the text of all. Names that are none are left out.
 */
export function infoText(client: Client, names: readonly string[]): string {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const isAll = wanted.size === 0 ||
    ["all", "default", "everything"].some((name) => wanted.has(name));
  return SECTIONS
    .filter(({ title }) => isAll || wanted.has(title.toLowerCase()))
    .map(({ title, lines }) => `# ${title}\r\n${linesText(lines(client))}`)
    .join("\r\n");
}

type Lines = Readonly<Record<string, string | number>>;

const SECTIONS: readonly { title: string; lines(client: Client): Lines }[] = [
  { title: "Server", lines: serverLines },
  { title: "Clients", lines: clientsLines },
  { title: "Memory", lines: memoryLines },
  { title: "Persistence", lines: persistenceLines },
  { title: "Stats", lines: statsLines },
  { title: "Replication", lines: () => ({ role: "master", connected_slaves: 0 }) },
  { title: "Cluster", lines: () => ({ cluster_enabled: 0 }) },
  { title: "Keyspace", lines: () => ({}) },
  { title: "Denamo", lines: denamoLines },
];

function serverLines({ api, door }: Client): Lines {
  const { version, uptimeMs } = api.status();
  return {
    redis_version: REDIS_VERSION,
    redis_mode: "standalone",
    denamo_version: version,
    tcp_port: door.port,
    uptime_in_seconds: Math.floor(uptimeMs / 1000),
    uptime_in_days: Math.floor(uptimeMs / 86_400_000),
  };
}

function clientsLines({ door }: Client): Lines {
  return {
    connected_clients: [...door.clients()].length,
    maxclients: door.slots.limit,
    blocked_clients: 0,
  };
}

/** Redis calls so what its clients make it hold, and the limit of that. */
function memoryLines({ door }: Client): Lines {
  return {
    mem_clients_normal: door.memory.heldBytes,
    maxmemory_clients: door.memory.limitBytes,
  };
}

function persistenceLines({ api }: Client): Lines {
  const state = stateOf(api);
  const isLoading = state === "waiting" || state === "not_ready";
  return { loading: isLoading ? 1 : 0, aof_enabled: 1 };
}

function statsLines({ door }: Client): Lines {
  return {
    total_connections_received: door.counts.connections,
    total_commands_processed: door.counts.commands,
    rejected_connections: door.counts.refusedConnections,
    evicted_clients: door.memory.evictedCount,
    stuck_clients: door.counts.stuckConnections,
  };
}

function denamoLines({ api }: Client): Lines {
  const status = api.status();
  const lines: Record<string, string | number> = {
    node: status.node,
    peer_id: status.peerId,
    cluster: status.cluster,
    zone: status.zone,
    state: stateOf(api),
    ready: status.isReady ? 1 : 0,
    not_ready_because: status.notReadyBecause ?? "",
    layout_version: status.layoutVersion,
    members_up: status.membersUp,
    members_known: status.membersKnown,
  };
  api.members().forEach((member, index) => {
    lines[`member${index}`] = `name=${member.node},state=${member.state},zone=${member.zone},` +
      `resp=${member.resp ?? ""}`;
  });
  return lines;
}

type State = "ready" | "waiting" | "alone" | "minority" | "not_ready";

/**
 * `waiting` for a layout, `alone` or in a `minority` by the members of it that are seen, or `not_ready` for a reason that
 * is told beside.
 */
function stateOf(api: NodeApi): State {
  const { isReady, layoutId } = api.status();
  if (isReady) return "ready";
  if (layoutId === undefined) return "waiting";
  const members = api.members().filter(({ inLayout }) => inLayout);
  const seen = members.filter(({ isConnected, isSelf, state }) => {
    return isSelf || (isConnected && state !== "down");
  });
  if (2 * seen.length > members.length) return "not_ready";
  return seen.some(({ isSelf }) => !isSelf) ? "minority" : "alone";
}

function linesText(lines: Lines): string {
  return Object.entries(lines).map(([name, value]) => `${name}:${value}\r\n`).join("");
}
