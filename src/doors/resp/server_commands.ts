// Questions about the server: COMMAND, CONFIG, TIME. INFO has a file of its own.

import { utf8, utf8Text } from "../../base/bytes.ts";
import { DATABASE_COUNT } from "../../base/database_key.ts";
import { DenamoError } from "../../wire/errors.ts";
import {
  type Arguments,
  type Client,
  type Command,
  lowerWord,
  NO_KEYS,
  type Run,
  runSubcommand,
  type Subcommands,
} from "./command.ts";
import { runCommand } from "./command_subcommands.ts";
import { compileGlob } from "./glob.ts";
import { infoText } from "./info.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

const CONFIG_SUBCOMMANDS: Subcommands = {
  get: { arity: -3, run: configGet },
  set: { arity: -4, run: configSet },
  resetstat: { arity: 2, run: resetCounts },
};

export const SERVER_COMMANDS: readonly Command[] = [
  server("command", -1, runCommand, "Describe the commands"),
  server("config", -2, runSubcommand("config", CONFIG_SUBCOMMANDS), "Show parameters"),
  server("info", -1, info, "Describe the node and what it sees of its cluster"),
  server("time", 1, time, "Get the time of the node in seconds and microseconds"),
];

function server(name: string, arity: number, run: Run, summary: string): Command {
  return { name, arity, run, group: "server", summary, flags: ["loading"], keys: NO_KEYS };
}

/** Parameters that clients, benchmarks and monitoring ask for. */
function parameters({ door }: Client): ReadonlyMap<string, string> {
  return new Map(Object.entries({
    appendfsync: "always",
    appendonly: "yes",
    "client-query-buffer-limit": String(RESP_LIMITS.command),
    databases: String(DATABASE_COUNT),
    maxclients: String(door.slots.limit),
    maxmemory: "0",
    "maxmemory-clients": String(door.memory.limitBytes),
    "maxmemory-policy": "noeviction",
    port: String(door.port),
    "proto-max-bulk-len": String(RESP_LIMITS.argument),
    save: "",
    "cluster-enabled": "no",
    "notify-keyspace-events": "",
    requirepass: "",
    timeout: "0",
  }));
}

function configGet(client: Client, command: Arguments): void {
  const globs = command.slice(2).map((word) => compileGlob(utf8(lowerWord(word))));
  const found = [...parameters(client)].filter(([name]) => {
    return globs.some((glob) => glob.matches(utf8(name)));
  });
  client.reply.map(found.length);
  for (const [name, value] of found) client.reply.textPair(name, value);
}

function configSet(): void {
  throw new DenamoError(
    "unsupported",
    "no",
    "CONFIG SET is not supported: a node is configured when it starts",
  );
}

function resetCounts({ door, reply }: Client): void {
  const { counts } = door;
  counts.commands = 0;
  counts.connections = 0;
  counts.refusedConnections = 0;
  counts.stuckConnections = 0;
  reply.ok();
}

function info(client: Client, command: Arguments): void {
  client.reply.verbatim(infoText(client, command.slice(1).map((word) => utf8Text(word))));
}

function time({ api, reply }: Client): void {
  const nowMs = api.nowMs();
  reply.array(2);
  reply.text(String(Math.floor(nowMs / 1000)));
  reply.text(String(Math.floor((nowMs % 1000) * 1000)));
}
