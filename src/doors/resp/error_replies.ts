// Errors as RESP replies.
//
// Mistakes in a command are answered in the very words of Redis, because clients look for them. What a
// node refuses or fails at has the prefix of its code and ends with its outcome:
// `-QUORUM Cannot reach … (outcome: unknown)`.

import { EMPTY, utf8Text } from "../../base/bytes.ts";
import { shownError } from "../error_table.ts";

/** A mistake in a command. The message is the whole reply, its prefix included. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

/** The text of the reply to anything that was thrown. */
export function errorReply(error: unknown): string {
  if (error instanceof ReplyError) return error.message;
  const { respPrefix, message, outcome } = shownError(error);
  return `${respPrefix} ${message} (outcome: ${outcome})`;
}

export function syntaxError(): ReplyError {
  return new ReplyError("ERR syntax error");
}

export function notAnInteger(): ReplyError {
  return new ReplyError("ERR value is not an integer or out of range");
}

/** `command` in lower case; a subcommand as in `client|setname`. */
export function wrongArity(command: string): ReplyError {
  return new ReplyError(`ERR wrong number of arguments for '${command}' command`);
}

export function invalidExpireTime(command: string): ReplyError {
  return new ReplyError(`ERR invalid expire time in '${command}' command`);
}

export function unknownSubcommand(command: string, subcommand: Uint8Array): ReplyError {
  const shown = utf8Text(subcommand.subarray(0, 128));
  return new ReplyError(
    `ERR unknown subcommand '${shown}'. Try ${command.toUpperCase()} HELP.`,
  );
}

/** As Redis words it where a subcommand is known and its arguments are too many. */
export function subcommandSyntax(command: string, subcommand: string): ReplyError {
  return new ReplyError(
    `ERR unknown subcommand or wrong number of arguments for '${subcommand}'. ` +
      `Try ${command.toUpperCase()} HELP.`,
  );
}

/** Shows the name and up to 128 bytes of the arguments, as Redis does. */
export function unknownCommand(command: readonly Uint8Array[]): ReplyError {
  const [name, ...rest] = command;
  let shown = "";
  let shownBytes = 0;
  for (const argument of rest) {
    if (shownBytes >= 128) break;
    const part = upToNul(argument.subarray(0, 128 - shownBytes));
    shown += `'${utf8Text(part)}' `;
    shownBytes += part.length + 3;
  }
  const shownName = utf8Text(upToNul(name?.subarray(0, 128) ?? EMPTY));
  return new ReplyError(`ERR unknown command '${shownName}', with args beginning with: ${shown}`);
}

/** Redis shows C strings. */
function upToNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}
