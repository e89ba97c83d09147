// What Deno KV means when a commit fails.
//
// It shows what SQLite says as a TypeError, as it does with its own limits, and tells them apart in words only.
// SQLite knows just one kind of full: a quota and a limit on the size of files it takes for errors of the
// device, as it does a device that is broken.

/** `limit`: the batch is too large, and nothing was done. `full`: no room. `device`: perhaps no room either. */
export type CommitTrouble = "limit" | "full" | "device" | "other";

/** What is wrong, by the error of Deno KV. */
export function troubleOf(error: unknown): CommitTrouble {
  if (!(error instanceof Error)) return "other";
  if (error instanceof TypeError && /too (large|many)/i.test(error.message)) return "limit";
  if (/database or disk is full/i.test(error.message)) return "full";
  return /disk I\/O error/i.test(error.message) ? "device" : "other";
}
