// How many files and sockets this process may have open, and who gets how many of them.
//
// A process that has used its last descriptor can neither accept nor dial nor open a file, and in Deno a listener of
// `node:net` that once fails to accept for this reason stays deaf for good. So descriptors are divided before there are
// clients: some for files, some for peers, the rest for clients.
//
// The limit cannot be asked for: `/proc/self/limits` is closed to a process without all permissions, and other systems
// have none. So it is tried out, once, before anything else is open.

/** What the parts of a node may have open. */
export interface DescriptorShares {
  /** Connections of clients. */
  readonly clients: number;
  /** Connections that peers, or strangers at their port, have opened. */
  readonly inboundPeers: number;
}

/** The store, its journal and what it opens for a moment. */
const FILES_COUNT = 24;

/** As many as the members of the largest layout. */
const PEERS_COUNT_MAX = 1024;
const PEERS_COUNT_MIN = 16;

/**
 * Divides what can be opened.
 *
 * @param free as {@linkcode freeDescriptors} says
 * @param wantedClients as many as clients get if there are enough
 */
export function shareDescriptors(free: number, wantedClients: number): DescriptorShares {
  const left = Math.max(0, free - FILES_COUNT);
  const peers = Math.max(PEERS_COUNT_MIN, Math.min(PEERS_COUNT_MAX, Math.floor(left / 3)));
  return {
    clients: Math.max(1, Math.min(wantedClients, left - peers)),
    // Some are left for the connections that this node opens.
    inboundPeers: Math.floor(peers * 3 / 4),
  };
}

/** How many descriptors must be free for so many clients to get what they want. */
export function wantedDescriptors(wantedClients: number): number {
  return FILES_COUNT + PEERS_COUNT_MAX + wantedClients;
}

let triedCount = 0;
let foundCount = Infinity;

/**
 * How many files and sockets can be opened, up to `wanted`. Opens so many for a moment, the first time.
 *
 * @param path something that can be opened for reading
 */
export function freeDescriptors(path: string, wanted: number): number {
  if (wanted <= triedCount || foundCount < triedCount) return Math.min(wanted, foundCount);
  const files: Deno.FsFile[] = [];
  triedCount = wanted;
  foundCount = wanted;
  try {
    while (files.length < wanted) files.push(Deno.openSync(path));
  } catch (error) {
    // Where a directory cannot be opened, descriptors are not scarce.
    if (isOutOfDescriptors(error)) foundCount = files.length;
  } finally {
    for (const file of files) file.close();
  }
  return foundCount;
}

function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}
