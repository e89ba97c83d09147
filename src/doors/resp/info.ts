// INFO: what a node tells of itself, in the sections and lines that monitoring of Redis reads.
//
// A line that Redis has and that means nothing here is left out, so that no dashboard shows what nobody measured; what
// is there and is 0 is truly 0. INFO answers of this node alone: the keys of a cluster are counted by DBSIZE.
//
// `loading:1` stands for "not ready": clients wait for it to become 0 before they send commands. A node that sees too few
// others is not ready for load balancers, and yet serves what it can to those who have come to it, as all do at a cut.

import process from "node:process";
import type { NodeApi } from "../../node/api.ts";
import type { Client } from "./command.ts";

/** The version of Redis whose commands these are: clients decide by it what they may send. */
const REDIS_VERSION = "7.0.0";

/**
 * The text of the sections named, in any case; without names, or for `default`, the text of all but `commandstats`,
 * and for `all` or `everything` of all. Names that are none are left out.
 */
export function infoText(client: Client, names: readonly string[]): string {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const isAll = wanted.has("all") || wanted.has("everything");
  const isDefault = isAll || wanted.size === 0 || wanted.has("default");
  return SECTIONS
    .filter(({ title, isExtra }) => {
      return (isExtra === true ? isAll : isDefault) || wanted.has(title.toLowerCase());
    })
    .map(({ title, lines }) => `# ${title}\r\n${linesText(lines(client))}`)
    .join("\r\n");
}

type Lines = Readonly<Record<string, string | number>>;

const SECTIONS: readonly { title: string; lines(client: Client): Lines; isExtra?: boolean }[] = [
  { title: "Server", lines: serverLines },
  { title: "Clients", lines: clientsLines },
  { title: "Memory", lines: memoryLines },
  { title: "Persistence", lines: persistenceLines },
  { title: "Stats", lines: statsLines },
  { title: "Replication", lines: () => ({ role: "master", connected_slaves: 0 }) },
  { title: "CPU", lines: cpuLines },
  { title: "Commandstats", lines: commandLines, isExtra: true },
  { title: "Cluster", lines: () => ({ cluster_enabled: 0 }) },
  { title: "Keyspace", lines: () => ({}) },
  { title: "Denamo", lines: denamoLines },
];

function serverLines({ api, door }: Client): Lines {
  const { version, uptimeMs } = api.status();
  return {
    redis_version: REDIS_VERSION,
    redis_mode: "standalone",
    os: `${Deno.build.os} ${Deno.build.arch}`,
    arch_bits: 64,
    denamo_version: version,
    process_id: Deno.pid,
    tcp_port: door.port,
    server_time_usec: Math.floor(api.nowMs() * 1000),
    uptime_in_seconds: Math.floor(uptimeMs / 1000),
    uptime_in_days: Math.floor(uptimeMs / 86_400_000),
  };
}

function clientsLines({ door }: Client): Lines {
  return {
    connected_clients: [...door.clients()].length,
    maxclients: door.slots.limit,
    blocked_clients: 0,
    tracking_clients: 0,
  };
}

/** What JavaScript and its buffers use stands for what Redis has allocated. */
function memoryLines({ door }: Client): Lines {
  const { heapUsed, external, rss } = Deno.memoryUsage();
  const used = heapUsed + external;
  return {
    used_memory: used,
    used_memory_human: humanBytes(used),
    used_memory_rss: rss,
    used_memory_rss_human: humanBytes(rss),
    maxmemory: 0,
    maxmemory_human: humanBytes(0),
    maxmemory_policy: "noeviction",
    mem_fragmentation_ratio: (rss / used).toFixed(2),
    // Redis calls so what its clients make it hold, and the limit of that.
    mem_clients_normal: door.memory.heldBytes,
    maxmemory_clients: door.memory.limitBytes,
  };
}

/** As Redis writes sizes for people. */
function humanBytes(bytes: number): string {
  for (const [unit, size] of [["G", 2 ** 30], ["M", 2 ** 20], ["K", 2 ** 10]] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(2)}${unit}`;
  }
  return `${bytes}B`;
}

/** Every write that was acknowledged is on the disk, and no snapshots are made. */
function persistenceLines({ api }: Client): Lines {
  const state = stateOf(api);
  const isLoading = state === "waiting" || state === "not_ready";
  return {
    loading: isLoading ? 1 : 0,
    rdb_changes_since_last_save: 0,
    rdb_bgsave_in_progress: 0,
    aof_enabled: 1,
    aof_rewrite_in_progress: 0,
  };
}

function statsLines({ door }: Client): Lines {
  const { stats } = door;
  return {
    total_connections_received: door.counts.connections,
    total_commands_processed: door.counts.commands,
    instantaneous_ops_per_sec: Math.round(stats.commandsPerSecond),
    total_net_input_bytes: stats.inputBytes,
    total_net_output_bytes: stats.outputBytes,
    rejected_connections: door.counts.refusedConnections,
    evicted_keys: 0,
    evicted_clients: door.memory.evictedCount,
    pubsub_channels: 0,
    pubsub_patterns: 0,
    total_error_replies: stats.errorsCount,
    stuck_clients: door.counts.stuckConnections,
  };
}

/** Seconds of the whole process: its nodes and doors together. */
function cpuLines(): Lines {
  const { system, user } = process.cpuUsage();
  return {
    used_cpu_sys: (system / 1e6).toFixed(6),
    used_cpu_user: (user / 1e6).toFixed(6),
  };
}

function commandLines({ door }: Client): Lines {
  const lines: Record<string, string> = {};
  for (const figures of door.stats.figures()) {
    const { command, callsCount, durationMs, rejectedCount, failedCount } = figures;
    const microseconds = Math.round(durationMs * 1000);
    const average = callsCount === 0 ? 0 : microseconds / callsCount;
    lines[`cmdstat_${command.name}`] = `calls=${callsCount},usec=${microseconds},` +
      `usec_per_call=${average.toFixed(2)},rejected_calls=${rejectedCount},` +
      `failed_calls=${failedCount}`;
  }
  return lines;
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
