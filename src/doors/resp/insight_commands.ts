// What operators and tools ask of a Redis's inside: MEMORY, SLOWLOG, LATENCY, WAIT, ACL.
//
// A node keeps no log of slow commands and no samples of latency for its clients: it answers as a Redis does whose log
// is empty and whose monitor is off. Its own figures are in /metrics and in its log.

import { utf8Text } from "../../base/bytes.ts";
import type { QuorumLevel } from "../../node/api.ts";
import { integerArgument, integerOf, ownBytes } from "./arguments.ts";
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
import { ReplyError, subcommandSyntax, syntaxError } from "./error_replies.ts";
import {
  LATENCY_HELP,
  LATENCY_IS_OFF,
  MEMORY_HELP,
  MEMORY_IS_FINE,
  SLOWLOG_HELP,
} from "./insight_texts.ts";
import { ELEMENT_BYTES } from "./resp_limits.ts";

const SLOWLOG: Subcommands = {
  get: { arity: -2, run: slowCommands },
  len: { arity: 2, run: ({ reply }) => reply.integer(0) },
  reset: { arity: 2, run: ({ reply }) => reply.ok() },
};

const LATENCY: Subcommands = {
  doctor: { arity: 2, run: ({ reply }) => reply.verbatim(LATENCY_IS_OFF) },
  graph: { arity: 3, run: latencyGraph },
  histogram: { arity: -2, run: ({ reply }) => reply.map(0) },
  history: { arity: 3, run: ({ reply }) => reply.array(0) },
  latest: { arity: 2, run: ({ reply }) => reply.array(0) },
  reset: { arity: -2, run: ({ reply }) => reply.integer(0) },
};

const MEMORY: Subcommands = {
  doctor: { arity: 2, run: ({ reply }) => reply.verbatim(MEMORY_IS_FINE) },
  purge: { arity: 2, run: ({ reply }) => reply.ok() },
  stats: { arity: 2, run: memoryStats },
  usage: { arity: -3, run: memoryUsage },
};

const ACL: Subcommands = {
  whoami: { arity: 2, run: ({ reply }) => reply.text("default") },
};

export const INSIGHT_COMMANDS: readonly Command[] = [
  server("slowlog", -2, runSubcommand("slowlog", SLOWLOG, SLOWLOG_HELP), "Nothing is logged"),
  server("latency", -2, runSubcommand("latency", LATENCY, LATENCY_HELP), "Nothing is sampled"),
  server("memory", -2, runSubcommand("memory", MEMORY, MEMORY_HELP), "Estimate memory"),
  server("acl", -2, runSubcommand("acl", ACL), "ACL WHOAMI: there is only the user default"),
  {
    ...server("wait", 3, copiesOfWrites, "Get on how many more disks each write is, at least"),
    group: "generic",
  },
];

function server(name: string, arity: number, run: Run, summary: string): Command {
  return { name, arity, run, group: "server", summary, flags: ["loading"], keys: NO_KEYS };
}

function slowCommands({ reply }: Client, command: Arguments): void {
  if (command.length > 3) throw subcommandSyntax("slowlog", utf8Text(command[1]!));
  const count = command.length === 3 ? integerOf(command[2]!) : 10;
  if (count === undefined || count < -1) {
    throw new ReplyError("ERR count should be greater than or equal to -1");
  }
  reply.array(0);
}

function latencyGraph(_: Client, command: Arguments): void {
  throw new ReplyError(`ERR No samples available for event '${utf8Text(command[2]!)}'`);
}

function memoryStats({ door, reply }: Client): void {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  const figures: Record<string, number> = {
    "total.allocated": heapUsed + external,
    "clients.normal": door.memory.heldBytes,
    "allocator.resident": rss,
  };
  reply.map(Object.keys(figures).length);
  for (const [name, value] of Object.entries(figures)) {
    reply.text(name);
    reply.integer(value);
  }
}

/** About what the value takes in the memory of a node while it is read: on disk it may be less. */
async function memoryUsage({ api, reply }: Client, command: Arguments): Promise<void> {
  for (let at = 3; at < command.length; at += 2) {
    const value = command[at + 1];
    if (lowerWord(command[at]!) !== "samples" || value === undefined) throw syntaxError();
    if (integerArgument(value) < 0) throw syntaxError();
  }
  const key = ownBytes(command[2]!);
  const read = await api.get(key);
  if (!read.exists) return reply.null();
  const opaque = read.siblings.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const elements = read.merged.valueOf("set") ?? [];
  const ofSet = elements.reduce((sum, { length }) => sum + length + ELEMENT_BYTES, 0);
  const ofMap = (read.merged.valueOf("map") ?? []).reduce((sum, entry) => {
    const value = entry.type === "register" ? entry.value.bytes.length : 8;
    return sum + entry.key.length + value + 2 * ELEMENT_BYTES;
  }, 0);
  const ofOthers = read.merged.has("hyperloglog") ? 16 * 1024 : 8;
  reply.integer(key.length + ELEMENT_BYTES + opaque + ofSet + ofMap + ofOthers);
}

/**
 * Redis waits here for copies that it did not wait for before. A write of ours has its copies on disk when it is
 * acknowledged, so there is nothing to wait for: what each has besides the first is told at once.
 */
function copiesOfWrites({ api, reply }: Client, command: Arguments): void {
  integerArgument(command[1]!);
  const timeoutMs = integerOf(command[2]!);
  if (timeoutMs === undefined) {
    throw new ReplyError("ERR timeout is not an integer or out of range");
  }
  if (timeoutMs < 0) throw new ReplyError("ERR timeout is negative");
  const { defaults, namespaces } = api.namespaces.list();
  const copies = [defaults, ...namespaces.map(({ inForce }) => inForce)].map(({ n, w }) => {
    return copiesOf(w, n ?? api.ring()?.replication ?? 1);
  });
  reply.integer(Math.min(...copies) - 1);
}

/** On how many disks a write is that a quorum level lets through. */
function copiesOf(level: QuorumLevel, n: number): number {
  if (level === "one") return 1;
  if (level === "all") return n;
  return level === "quorum" ? Math.floor(n / 2) + 1 : level;
}
