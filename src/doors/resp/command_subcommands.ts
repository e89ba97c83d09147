// COMMAND: what commands there are, what they take and which of their arguments are keys.

import { utf8 } from "../../base/bytes.ts";
import {
  type Arguments,
  type Client,
  type Command,
  hasArity,
  keysAt,
  lowerWord,
  type Run,
  runSubcommand,
  type Subcommands,
} from "./command.ts";
import type { ReplyEncoder } from "./encoder.ts";
import { ReplyError, syntaxError } from "./error_replies.ts";
import { compileGlob } from "./glob.ts";

const SUBCOMMANDS: Subcommands = {
  count: { arity: 2, run: ({ reply, door }) => reply.integer(door.commands.commands.length) },
  list: { arity: -2, run: commandNames },
  info: { arity: -2, run: commandInfo },
  docs: { arity: -2, run: commandDocs },
  getkeys: { arity: -4, run: commandKeys },
};

const subcommand = runSubcommand("command", SUBCOMMANDS);

export const runCommand: Run = Object.assign((client: Client, command: Arguments) => {
  if (command.length > 1) return subcommand(client, command);
  const { commands } = client.door.commands;
  client.reply.array(commands.length);
  for (const one of commands) writeInfo(client.reply, one);
}, {
  check(command: Arguments) {
    if (command.length > 1) subcommand.check?.(command);
  },
});

function commandNames({ reply, door }: Client, command: Arguments): void {
  reply.texts(filtered(door.commands.commands, command).map(({ name }) => name));
}

function filtered(commands: readonly Command[], command: Arguments): readonly Command[] {
  if (command.length === 2) return commands;
  const [, , word, kind, argument] = command;
  if (command.length !== 5 || lowerWord(word!) !== "filterby") throw syntaxError();
  switch (lowerWord(kind!)) {
    // There are no modules, so none has a command.
    case "module":
      return [];
    case "aclcat":
      return commands.filter((one) => categoriesOf(one).includes(lowerWord(argument!)));
    case "pattern": {
      const glob = compileGlob(utf8(lowerWord(argument!)));
      return commands.filter(({ name }) => glob.matches(utf8(name)));
    }
    default:
      throw syntaxError();
  }
}

/** The categories by which Redis's rules for users name commands. */
function categoriesOf({ flags, group, keys, keysOf }: Command): readonly string[] {
  const speed = flags.includes("fast") ? "fast" : "slow";
  const effect = flags.includes("readonly") ? ["read"] : flags.includes("write") ? ["write"] : [];
  const keyspace = group === "generic" && (keys[0] > 0 || keysOf !== undefined);
  const area = keyspace ? "keyspace" : group === "server" ? "admin" : group;
  return [area, speed, ...effect];
}

/** The keys of a command that is not carried out. */
function commandKeys({ reply, door }: Client, command: Arguments): void {
  const asked = command.slice(2);
  const found = offered(door.commands.find(asked[0]!), door.commands.commands);
  if (found === undefined) throw new ReplyError("ERR Invalid command specified");
  if (found.keys[0] === 0 && found.keysOf === undefined) {
    throw new ReplyError("ERR The command has no key arguments");
  }
  if (!hasArity(found.arity, asked.length)) {
    throw new ReplyError("ERR Invalid number of arguments specified for command");
  }
  const keys = keysIn(found, asked);
  if (keys.length === 0) throw new ReplyError("ERR Invalid arguments specified for command");
  reply.array(keys.length);
  for (const key of keys) reply.bulk(key);
}

function keysIn({ keys, keysOf }: Command, command: Arguments): Arguments {
  return keysOf === undefined ? keysAt(keys, command) : keysOf(command);
}

/** All commands, or those named; an unknown name gets a null. */
function commandInfo({ reply, door }: Client, command: Arguments): void {
  const { commands } = door.commands;
  const asked = command.length === 2
    ? commands
    : command.slice(2).map((name) => offered(door.commands.find(name), commands));
  reply.array(asked.length);
  for (const one of asked) {
    if (one === undefined) reply.null();
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
