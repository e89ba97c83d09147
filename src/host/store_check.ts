// Whether the file of a store is a sound database, found out before Deno KV opens it.
//
// Deno KV does not survive a damaged page that its collector of expired keys meets: it ends the whole process, within
// a minute and at every start. So SQLite is asked first, by a connection that cannot write. That checks how the
// pages hang together, not what the values say: records and the journal have checksums of their own.

import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../wire/errors.ts";
import { troubleOf } from "./kv_error.ts";

/** How many problems are shown. */
const SHOWN_COUNT = 3;

/** Refuses what is no database of Deno KV, or is one whose outer pages are damaged. @throws {Error} */
export function checkOuterPages(path: string): void {
  using database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  if (tables.length === 0) return;
  if (!tables.some(({ name }) => name === "kv")) {
    throw new Error(
      "it is the database of another program: move it away, or choose another --data",
    );
  }
  database.prepare("select 1 from kv order by k limit 1").all();
  const columns = database.prepare("select name from pragma_table_info('kv')").all();
  if (columns.some(({ name }) => name === "expiration_ms")) {
    database.prepare("select 1 from kv where expiration_ms >= 0 limit 1").all();
  }
}

/**
 * What is wrong with the pages of a file, in words; undefined if they are sound. Reads the whole file, at a third of a
 * second per gibibyte that is in memory, and does not yield meanwhile.
 *
 * @param depth `pages` checks that each page is where it belongs; `indices` also that indices and tables agree, which
 * takes twice as long
 * @throws {Error} if the file cannot be opened or read
 */
export function pageProblem(path: string, depth: "pages" | "indices"): string | undefined {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    const pragma = depth === "pages" ? "quick_check" : "integrity_check";
    const rows = database.prepare(`pragma ${pragma}(${SHOWN_COUNT})`).all();
    const problems = rows.map((row) => String(Object.values(row)[0]));
    return problems.length === 1 && problems[0] === "ok" ? undefined : problems.join("; ");
  } catch (error) {
    // That a file may not be opened says nothing of what is in it.
    if (troubleOf(error) !== "damaged") throw error;
    return messageOf(error);
  }
}
