// CLIENT KILL: closes connections, by what they are.

import { utf8Text } from "../../base/bytes.ts";
import { integerOf } from "./arguments.ts";
import { type Arguments, type Client, lowerWord } from "./command.ts";
import { ReplyError, syntaxError } from "./error_replies.ts";

/** `CLIENT KILL address`, or pairs of options all of which must hold. */
export function killClients(client: Client, command: Arguments): void {
  const isByAddress = command.length === 3;
  const { isSkippingSelf, matches } = isByAddress
    ? { isSkippingSelf: false, matches: byAddress(command[2]!) }
    : optionsOf(command);
  let count = 0;
  for (const one of [...client.door.clients()].filter(matches)) {
    if (isSkippingSelf && one === client) continue;
    count++;
    // It still hears the answer to its own command.
    if (one === client) client.closeAfterReplies();
    else one.end();
  }
  if (!isByAddress) return client.reply.integer(count);
  if (count === 0) throw new ReplyError("ERR No such client");
  client.reply.ok();
}

type Matches = (client: Client) => boolean;

function byAddress(bytes: Uint8Array): Matches {
  const address = utf8Text(bytes);
  return (one) => one.address === address;
}

function optionsOf(command: Arguments) {
  const conditions: Matches[] = [];
  let isSkippingSelf = true;
  if (command.length % 2 !== 0) throw syntaxError();
  for (let at = 2; at < command.length; at += 2) {
    const value = command[at + 1]!;
    const word = lowerWord(value);
    switch (lowerWord(command[at]!)) {
      case "id": {
        const id = integerOf(value);
        if (id === undefined || id < 1) {
          throw new ReplyError("ERR client-id should be greater than 0");
        }
        conditions.push((one) => one.id === id);
        break;
      }
      case "type": {
        const hasType = ofType([true], value).length > 0;
        conditions.push(() => hasType);
        break;
      }
      case "addr":
        conditions.push(byAddress(value));
        break;
      case "laddr":
        conditions.push((one) => one.localAddress === utf8Text(value));
        break;
      case "user":
        if (utf8Text(value) !== "default") {
          throw new ReplyError(`ERR No such user '${utf8Text(value)}'`);
        }
        break;
      case "skipme":
        if (word !== "yes" && word !== "no") throw syntaxError();
        isSkippingSelf = word === "yes";
        break;
      default:
        throw syntaxError();
    }
  }
  return { isSkippingSelf, matches: (one: Client) => conditions.every((holds) => holds(one)) };
}

/** Those of a type of Redis: all clients are normal ones. */
export function ofType<T>(clients: T[], type: Uint8Array): T[] {
  switch (lowerWord(type)) {
    case "normal":
      return clients;
    case "master":
    case "replica":
    case "slave":
    case "pubsub":
      return [];
    default:
      throw new ReplyError(`ERR Unknown client type '${utf8Text(type)}'`);
  }
}
