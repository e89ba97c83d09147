// Ports for the clusters of tests that run beside each other.
//
// A port that is free at this moment may be another's in the next: a node listens a second after its ports were
// chosen. So each thread of the tests has a block of ports of its own, which is taken as long as the thread holds one
// of them.

const FIRST_PORT = 10_000;
/** Below the ports that the system gives to those who ask for any. */
const LAST_PORT = 32_000;
const BLOCK_PORTS = 300;
/** How far the ports of a node for peers, RESP and HTTP are apart. */
const KINDS = [0, 100, 200] as const;

interface Block {
  readonly first: number;
  /** Held as long as this thread lives; it does not keep it alive. */
  readonly claim: Deno.TcpListener;
}

/** Of this thread: a module is loaded once in each. */
const block = claimBlock();
let taken = 0;

/**
 * A base for `--port-base`: its ports for `nodes` nodes are free, and nobody else's.
 *
 * @param nodes at most 50
 */
export function freePortBase(nodes: number): number {
  const perKind = KINDS[1] - 1;
  for (let attempt = 0; attempt < perKind; attempt++) {
    // Those that were given last may still be in use by nodes that are about to end.
    if (taken + nodes > perKind) taken = 0;
    const base = block.first + taken;
    taken += nodes;
    const ports = KINDS.flatMap((offset) =>
      Array.from({ length: nodes }, (_, index) => base + offset + index + 1)
    );
    if (ports.every(isFree)) return base;
  }
  throw new Error(`There are no free ports above ${block.first}`);
}

function claimBlock(): Block {
  const count = Math.floor((LAST_PORT - FIRST_PORT) / BLOCK_PORTS);
  const start = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) {
    const first = FIRST_PORT + (start + i) % count * BLOCK_PORTS;
    const claim = listen(first);
    if (claim === undefined) continue;
    claim.unref();
    return { first, claim };
  }
  throw new Error("All blocks of ports are taken");
}

function isFree(port: number): boolean {
  const listener = listen(port);
  listener?.close();
  return listener !== undefined;
}

/** Listens at a port; undefined if somebody else does. */
function listen(port: number): Deno.TcpListener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
