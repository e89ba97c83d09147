// What clients say when they connect, and small talk: HELLO, AUTH, SELECT, PING, QUIT, …
//
// There are no users: whoever reaches the port may do everything, as with a
// Redis without a password. So AUTH accepts what such a Redis accepts.

import { equalBytes, utf8, utf8Text } from "../../base/bytes.ts";
import { DATABASE_COUNT } from "../../base/database_key.ts";
import { integerArgument, integerOf } from "./arguments.ts";
import { CLIENT_SUBCOMMANDS, nameArgument } from "./client_subcommands.ts";
import {
  type Arguments,
  type Client,
  type Command,
  type CommandFlag,
  lowerWord,
  NO_KEYS,
  type Run,
  runSubcommand,
} from "./command.ts";
import { ReplyError, wrongArity } from "./error_replies.ts";

export const CONNECTION_COMMANDS: readonly Command[] = [
  connection("ping", -1, ping, "Answer PONG or the argument"),
  connection("echo", 2, ({ reply }, command) => reply.bulk(command[1]!), "Answer the argument"),
  connection("hello", -1, hello, "Choose the protocol version [2|3] [AUTH user pw] [SETNAME name]"),
  connection("auth", -2, auth, "Accept the default user; there is no password"),
  connection("select", 2, select, "Choose the database, 0 to 15: the keys of each are its own"),
  connection("client", -2, runSubcommand("client", CLIENT_SUBCOMMANDS), "Look at connections"),
  {
    ...connection("reset", 1, reset, "Forget the name, protocol, database and transaction"),
    isImmediate: true,
  },
  { ...connection("quit", -1, quit, "Close the connection"), isImmediate: true },
];

function connection(name: string, arity: number, run: Run, summary: string): Command {
  const flags: readonly CommandFlag[] = ["fast", "loading"];
  return { name, arity, run, group: "connection", summary, flags, keys: NO_KEYS };
}

function ping({ reply }: Client, command: Arguments): void {
  if (command.length > 2) throw wrongArity("ping");
  if (command.length === 2) reply.bulk(command[1]!);
  else reply.simple("PONG");
}

function hello(client: Client, command: Arguments): void {
  const { reply, api } = client;
  let protocol = reply.protocol;
  let name: string | undefined;
  if (command.length > 1) {
    const version = integerOf(command[1]!);
    if (version === undefined) {
      throw new ReplyError("ERR Protocol version is not an integer or out of range");
    }
    if (version !== 2 && version !== 3) {
      throw new ReplyError("NOPROTO unsupported protocol version");
    }
    protocol = version;
  }
  for (let at = 2; at < command.length; at++) {
    const option = lowerWord(command[at]!);
    if (option === "auth" && at + 2 < command.length) {
      checkUser(command[at + 1]!);
      at += 2;
    } else if (option === "setname" && at + 1 < command.length) {
      name = nameArgument(command[++at]!);
    } else {
      throw new ReplyError(`ERR Syntax error in HELLO option '${utf8Text(command[at]!)}'`);
    }
  }
  reply.protocol = protocol;
  client.name = name ?? client.name;
  reply.map(7);
  reply.textPair("server", "denamo");
  reply.textPair("version", api.status().version);
  reply.text("proto");
  reply.integer(protocol);
  reply.text("id");
  reply.integer(client.id);
  reply.textPair("mode", "standalone");
  reply.textPair("role", "master");
  reply.text("modules");
  reply.array(0);
}

const DEFAULT_USER = utf8("default");

function checkUser(user: Uint8Array): void {
  if (equalBytes(user, DEFAULT_USER)) return;
  throw new ReplyError("WRONGPASS invalid username-password pair or user is disabled.");
}

function auth({ reply }: Client, command: Arguments): void {
  if (command.length > 3) throw new ReplyError("ERR syntax error");
  if (command.length === 2) {
    throw new ReplyError(
      "ERR AUTH <password> called without any password configured for the default user. " +
        "Are you sure your configuration is correct?",
    );
  }
  checkUser(command[1]!);
  reply.ok();
}

/** The largest number of a database that Redis reads as one: of 32 bits. */
const INTEGER_MAX = 2 ** 31 - 1;

function select(client: Client, command: Arguments): void {
  const database = integerArgument(command[1]!);
  if (Math.abs(database) > INTEGER_MAX) {
    throw new ReplyError(
      `ERR value is out of range, value must between ${-INTEGER_MAX - 1} and ${INTEGER_MAX}`,
    );
  }
  if (database < 0 || database >= DATABASE_COUNT) {
    throw new ReplyError("ERR DB index is out of range");
  }
  client.select(database);
  client.reply.ok();
}

function reset(client: Client): void {
  client.reply.protocol = 2;
  client.name = "";
  client.transaction.clear();
  client.select(0);
  client.reply.simple("RESET");
}

function quit(client: Client): void {
  client.reply.ok();
  client.closeAfterReplies();
}
