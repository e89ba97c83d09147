// Wires between processes that can be cut.
//
// Each node announces the address of a proxy, so that its peers reach it through that. A proxy learns who
// dials from the system's table of sockets: the process that owns the other end of the connection. While the
// way between two nodes is cut nothing passes in that direction, and nobody is told: that is how a pulled cable
// looks to TCP. When it is healed, what has waited arrives, or the connection has been given up meanwhile.

import {
  type AddressInfo,
  createConnection,
  createServer,
  type Server,
  type Socket,
} from "node:net";

/** The names of the nodes, and the process that each runs in at present. */
export type PidOf = (node: string) => number | undefined;

interface Wire {
  /** Undefined while it is not known who dials. */
  from: string | undefined;
  readonly to: string;
  readonly inbound: Socket;
  readonly outbound: Socket;
}

/** How long it is asked who has dialled, and how often, in milliseconds. */
const WHO_TRIES = 20;
const WHO_PAUSE_MS = 25;

export class CuttingProxies implements AsyncDisposable {
  readonly #nodes: readonly string[];
  readonly #pidOf: PidOf;
  readonly #servers: Server[] = [];
  readonly #wires = new Set<Wire>();
  readonly #cuts = new Set<string>();

  constructor(nodes: readonly string[], pidOf: PidOf) {
    this.#nodes = nodes;
    this.#pidOf = pidOf;
  }

  /** Opens a way to a node that listens at `port`; returns the port of the proxy. */
  async open(to: string, port: number): Promise<number> {
    const server = createServer({ pauseOnConnect: true }, (inbound) => {
      const outbound = createConnection({ host: "127.0.0.1", port });
      void this.#join({ from: undefined, to, inbound, outbound });
    });
    this.#servers.push(server);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    return (server.address() as AddressInfo).port;
  }

  /** Lets nothing pass from any of these nodes to any of those, nor back. */
  cut(some: readonly string[], others: readonly string[]): void {
    for (const a of some) {
      for (const b of others) {
        this.#cuts.add(`${a} ${b}`);
        this.#cuts.add(`${b} ${a}`);
      }
    }
    this.#apply();
  }

  /** Cuts a node off from all others. */
  isolate(node: string): void {
    this.cut([node], this.#nodes.filter((other) => other !== node));
  }

  healAll(): void {
    this.#cuts.clear();
    this.#apply();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { inbound, outbound } of this.#wires) {
      inbound.destroy();
      outbound.destroy();
    }
    await Promise.all(this.#servers.map((server) => {
      return new Promise((resolve) => server.close(resolve));
    }));
  }

  async #join(wire: Wire): Promise<void> {
    const { inbound, outbound } = wire;
    this.#wires.add(wire);
    const end = () => {
      this.#wires.delete(wire);
      inbound.destroy();
      outbound.destroy();
    };
    for (const socket of [inbound, outbound]) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    wire.from = await this.#ownerOf(inbound.remotePort!);
    if (!this.#wires.has(wire)) return;
    if (wire.from === undefined) return end();
    inbound.on("data", (bytes) => pass(inbound, outbound, bytes));
    outbound.on("data", (bytes) => pass(outbound, inbound, bytes));
    outbound.on("drain", () => this.#flow(wire));
    inbound.on("drain", () => this.#flow(wire));
    this.#flow(wire);
  }

  #apply(): void {
    for (const wire of this.#wires) if (wire.from !== undefined) this.#flow(wire);
  }

  /** Lets each direction pass that is not cut and whose other end can take more. */
  #flow({ from, inbound, outbound, to }: Wire): void {
    set(inbound, !this.#cuts.has(`${from} ${to}`) && !outbound.writableNeedDrain);
    set(outbound, !this.#cuts.has(`${to} ${from}`) && !inbound.writableNeedDrain);
  }

  /** The node whose process has a socket with this local port. */
  async #ownerOf(port: number): Promise<string | undefined> {
    for (let attempt = 0; attempt < WHO_TRIES; attempt++) {
      const inode = await inodeOf(port);
      for (const node of this.#nodes) {
        const pid = this.#pidOf(node);
        if (pid !== undefined && inode !== undefined && await hasSocket(pid, inode)) return node;
      }
      await new Promise((resolve) => setTimeout(resolve, WHO_PAUSE_MS));
    }
    return undefined;
  }
}

function pass(from: Socket, to: Socket, bytes: Uint8Array): void {
  if (!to.write(bytes)) from.pause();
}

function set(socket: Socket, isFlowing: boolean): void {
  if (isFlowing) socket.resume();
  else socket.pause();
}

/** The inode of the connected socket at a port of 127.0.0.1: proc(5), /proc/net/tcp. */
async function inodeOf(port: number): Promise<string | undefined> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = (await Deno.readTextFile("/proc/net/tcp")).split("\n").slice(1);
  const found = lines.map((line) => line.trim().split(/\s+/))
    .find(([, address, , state]) => address === local && state === ESTABLISHED);
  return found?.[9];
}

const ESTABLISHED = "01";

async function hasSocket(pid: number, inode: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
      if (target === `socket:[${inode}]`) return true;
    }
  } catch (error) {
    // The process has ended.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}
