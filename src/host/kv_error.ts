// What Deno KV means when a commit or a read fails.
//
// It shows what SQLite says as a TypeError, as it does with its own limits, and tells them apart in words only.
// SQLite knows just one kind of full: a quota and a limit on the size of files it takes for errors of the
// device, as it does a device that is broken.

/**
 * `limit`: the batch is too large, and nothing was done. `full`: no room. `device`: perhaps no room either.
 * `damaged`: a page of the file is not what SQLite wrote.
 */
export type KvTrouble = "limit" | "full" | "device" | "damaged" | "other";

/** What is wrong, by the error of Deno KV. */
export function troubleOf(error: unknown): KvTrouble {
  if (!(error instanceof Error)) return "other";
  if (error instanceof TypeError && /too (large|many)/i.test(error.message)) return "limit";
  if (/database or disk is full/i.test(error.message)) return "full";
  if (/disk image is malformed|not a database/i.test(error.message)) return "damaged";
  return /disk I\/O error/i.test(error.message) ? "device" : "other";
}
