// FLUSHDB and FLUSHALL: deleting all keys of one database, or of all.
//
// They walk over the cluster as SCAN does and delete what they find, key by key, each at a quorum. So they
// take as long as that takes, and what is written meanwhile may stay. They reply when all is done, also for ASYNC:
// a reply before would say nothing of the outcome.

import type { NodeApi, ScanPage, ScanPosition } from "../../node/api.ts";
import { DenamoError } from "../../wire/errors.ts";
import { LIMITS } from "../../wire/limits.ts";
import { type Arguments, type Client, type Command, lowerWord, NO_KEYS } from "./command.ts";
import { syntaxError } from "./error_replies.ts";
import { forEachKey } from "./many_keys.ts";

export const FLUSH_COMMANDS: readonly Command[] = [
  flush("flushdb", ({ api }) => api, "Delete all keys of the database, one by one: not atomic"),
  flush(
    "flushall",
    ({ door }) => door.databases.all,
    "Delete all keys of all databases, one by one: not atomic",
  ),
];

function flush(name: string, keysOf: (client: Client) => NodeApi, summary: string): Command {
  const run = async (client: Client, command: Arguments) => {
    const word = command.length === 2 ? lowerWord(command[1]!) : undefined;
    if (command.length > 1 && word !== "sync" && word !== "async") throw syntaxError();
    await deleteAll(keysOf(client));
    client.reply.ok();
  };
  return { name, arity: -1, run, group: "server", summary, flags: ["write"], keys: NO_KEYS };
}

/** @throws {DenamoError} whose outcome is `unknown` once anything has been deleted */
async function deleteAll(api: NodeApi): Promise<void> {
  let hasDeleted = false;
  let from: ScanPosition | undefined = { partition: 0 };
  try {
    while (from !== undefined) {
      const page: ScanPage = await api.scan({ from, limit: LIMITS.scanPageCount });
      await forEachKey(page.keys, "writes", (key) => api.delete(key));
      hasDeleted ||= page.keys.length > 0;
      from = page.next;
    }
  } catch (error) {
    if (!hasDeleted || !(error instanceof DenamoError)) throw error;
    throw new DenamoError(error.code, "unknown", error.message, error.details);
  }
}
