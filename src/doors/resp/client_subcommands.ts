// CLIENT: what connections tell of themselves and of each other.

import { utf8Text } from "../../base/bytes.ts";
import { DenamoError } from "../../wire/errors.ts";
import { integerOf } from "./arguments.ts";
import { type Arguments, type Client, lowerWord, type Subcommands } from "./command.ts";
import { killClients, ofType } from "./client_kill.ts";
import { notAnInteger, ReplyError, subcommandSyntax, syntaxError } from "./error_replies.ts";

export const CLIENT_SUBCOMMANDS: Subcommands = {
  id: { arity: 2, run: ({ reply, id }) => reply.integer(id) },
  getname: { arity: 2, run: getName },
  setname: { arity: 3, run: setName },
  setinfo: { arity: 4, run: setInfo },
  info: { arity: 2, run: (client) => client.reply.verbatim(`${clientLine(client)}\n`) },
  list: { arity: -2, run: list },
  "no-evict": { arity: 3, run: onOrOff },
  "no-touch": { arity: 3, run: onOrOff },
  reply: { arity: 3, run: replyMode },
  tracking: { arity: -3, run: refuseTracking },
  trackinginfo: { arity: 2, run: trackingInfo },
  getredir: { arity: 2, run: ({ reply }) => reply.integer(-1) },
  kill: { arity: -3, run: killClients },
  unblock: { arity: -3, run: unblock },
  pause: { arity: -3, run: refusePause },
  unpause: { arity: 2, run: ({ reply }) => reply.ok() },
};

/** A name of a connection. @throws {ReplyError} if it has other than visible ASCII characters */
export function nameArgument(bytes: Uint8Array): string {
  return visible(bytes, "Client names");
}

function visible(bytes: Uint8Array, what: string): string {
  if (bytes.some((byte) => byte < 33 || byte > 126)) {
    throw new ReplyError(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  return utf8Text(bytes);
}

function getName({ reply, name }: Client): void {
  if (name === "") reply.null();
  else reply.text(name);
}

function setName(client: Client, command: Arguments): void {
  client.name = nameArgument(command[2]!);
  client.reply.ok();
}

function setInfo(client: Client, command: Arguments): void {
  const option = lowerWord(command[2]!);
  if (option === "lib-name") client.libraryName = visible(command[3]!, "lib-name");
  else if (option === "lib-ver") client.libraryVersion = visible(command[3]!, "lib-ver");
  else throw new ReplyError(`ERR Unrecognized option '${utf8Text(command[2]!)}'`);
  client.reply.ok();
}

function list(client: Client, command: Arguments): void {
  let shown = [...client.door.clients()];
  if (command.length > 2) {
    const option = lowerWord(command[2]!);
    if (option === "type" && command.length === 4) {
      shown = ofType(shown, command[3]!);
    } else if (option === "id" && command.length > 3) {
      const ids = command.slice(3).map(idArgument);
      shown = shown.filter(({ id }) => ids.includes(id));
    } else {
      throw syntaxError();
    }
  }
  client.reply.verbatim(shown.map((one) => `${clientLine(one)}\n`).join(""));
}

function idArgument(bytes: Uint8Array): number {
  const id = integerOf(bytes);
  if (id === undefined || id < 1) throw new ReplyError("ERR Invalid client ID");
  return id;
}

function clientLine(client: Client): string {
  const nowMs = performance.now();
  const ageSeconds = Math.floor((nowMs - client.connectedAtMs) / 1000);
  const idleSeconds = Math.floor((nowMs - client.lastReadAtMs) / 1000);
  // In the order of Redis 7. What has no meaning here is what Redis shows where there is nothing of it.
  const fields: readonly (readonly [name: string, value: string | number])[] = [
    ["id", client.id],
    ["addr", client.address],
    ["laddr", client.localAddress],
    ["fd", -1],
    ["name", client.name],
    ["age", ageSeconds],
    ["idle", idleSeconds],
    ["flags", client.transaction.isOpen ? "x" : "N"],
    ["db", client.database],
    ["sub", 0],
    ["psub", 0],
    ["ssub", 0],
    ["multi", client.transaction.length ?? -1],
    ["qbuf", client.halfCommandBytes],
    ["qbuf-free", 0],
    ["argv-mem", 0],
    ["multi-mem", client.transaction.heldBytes],
    ["obl", client.reply.length],
    ["oll", 0],
    ["omem", 0],
    ["tot-mem", client.heldBytes],
    ["events", "r"],
    ["cmd", client.lastCommand],
    ["user", "default"],
    ["redir", -1],
    ["resp", client.reply.protocol],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

/** Nothing here is evicted, and nothing remembers when it was read: both are so already. */
function onOrOff({ reply }: Client, command: Arguments): void {
  const word = lowerWord(command[2]!);
  if (word !== "on" && word !== "off") throw syntaxError();
  reply.ok();
}

function replyMode({ reply }: Client, command: Arguments): void {
  const word = lowerWord(command[2]!);
  if (word === "on") return reply.ok();
  if (word !== "off" && word !== "skip") throw syntaxError();
  throw new DenamoError(
    "unsupported",
    "no",
    `CLIENT REPLY ${word.toUpperCase()} is not supported: a write without a reply has no outcome`,
  );
}

function trackingInfo({ reply }: Client): void {
  reply.map(3);
  reply.text("flags");
  reply.set(1);
  reply.text("off");
  reply.text("redirect");
  reply.integer(-1);
  reply.text("prefixes");
  reply.array(0);
}

/** No command waits for another client, so there is never one to unblock. */
function unblock({ reply }: Client, command: Arguments): void {
  const [, , id, reason] = command;
  if (command.length > 4) throw subcommandSyntax("client", utf8Text(command[1]!));
  if (reason !== undefined && !["timeout", "error"].includes(lowerWord(reason))) {
    throw new ReplyError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (integerOf(id!) === undefined) throw notAnInteger();
  reply.integer(0);
}

function refusePause(): void {
  throw new DenamoError(
    "unsupported",
    "no",
    "CLIENT PAUSE is not supported: it would hold back the clients of this node and of no other",
  );
}

function refuseTracking(): void {
  throw new DenamoError(
    "unsupported",
    "no",
    "CLIENT TRACKING is not supported: nodes do not remember what their clients have read",
  );
}
