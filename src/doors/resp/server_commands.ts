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
import type { ReplyEncoder } from "./encoder.ts";
import { compileGlob } from "./glob.ts";
import { infoText } from "./info.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

const COMMAND_SUBCOMMANDS: Subcommands = {
  count: { arity: 2, run: ({ reply, door }) => reply.integer(door.commands.commands.length) },
  list: { arity: 2, run: commandNames },
  info: { arity: -2, run: commandInfo },
  docs: { arity: -2, run: commandDocs },
};

const CONFIG_SUBCOMMANDS: Subcommands = {
  get: { arity: -3, run: configGet },
  set: { arity: -4, run: configSet },
};

export const SERVER_COMMANDS: readonly Command[] = [
  server("command", -1, runCommand(), "Describe the commands"),
  server("config", -2, runSubcommand("config", CONFIG_SUBCOMMANDS), "Show parameters"),
  server("info", -1, info, "Describe the node and what it sees of its cluster"),
  server("time", 1, time, "Get the time of the node in seconds and microseconds"),
];

function server(name: string, arity: number, run: Run, summary: string): Command {
  return { name, arity, run, group: "server", summary, flags: ["loading"], keys: NO_KEYS };
}

function runCommand(): Run {
  const subcommand = runSubcommand("command", COMMAND_SUBCOMMANDS);
  const run = (client: Client, command: Arguments) => {
    if (command.length > 1) return subcommand(client, command);
    const { commands } = client.door.commands;
    client.reply.array(commands.length);
    for (const one of commands) writeInfo(client.reply, one);
  };
  const check = (command: Arguments) => {
    if (command.length > 1) subcommand.check?.(command);
  };
  return Object.assign(run, { check });
}

function commandNames({ reply, door }: Client): void {
  reply.texts(door.commands.commands.map(({ name }) => name));
}

/** All commands, or those named; a name that is none gets a null. */
function commandInfo({ reply, door }: Client, command: Arguments): void {
  const { commands } = door.commands;
  const asked = command.length === 2
    ? commands
    : command.slice(2).map((name) => offered(door.commands.find(name), commands));
  reply.array(asked.length);
  for (const one of asked) {
    if (one === undefined) reply.nullArray();
    else writeInfo(reply, one);
  }
}

/** Refused commands are found by name, but are none to a client that asks. */
function offered(
  command: Command | undefined,
  commands: readonly Command[],
): Command | undefined {
  return command !== undefined && commands.includes(command) ? command : undefined;
}

/** The ten elements of Redis 7. */
function writeInfo(reply: ReplyEncoder, { name, arity, flags, keys }: Command): void {
  reply.array(10);
  reply.text(name);
  reply.integer(arity);
  reply.array(flags.length);
  for (const flag of flags) reply.simple(flag);
  for (const position of keys) reply.integer(position);
  for (const _ of ["categories", "tips", "key specifications", "subcommands"]) reply.array(0);
}

function commandDocs({ reply, door }: Client, command: Arguments): void {
  const { commands } = door.commands;
  const asked = command.length === 2 ? commands : command.slice(2)
    .map((name) => offered(door.commands.find(name), commands))
    .filter((one) => one !== undefined);
  reply.map(asked.length);
  for (const { name, summary, group } of asked) {
    reply.text(name);
    reply.map(2);
    reply.textPair("summary", summary);
    reply.textPair("group", group);
  }
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

function info(client: Client, command: Arguments): void {
  client.reply.verbatim(infoText(client, command.slice(1).map((word) => utf8Text(word))));
}

function time({ api, reply }: Client): void {
  const nowMs = api.nowMs();
  reply.array(2);
  reply.text(String(Math.floor(nowMs / 1000)));
  reply.text(String(Math.floor((nowMs % 1000) * 1000)));
}
