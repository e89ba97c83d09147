// Joins a node and the outside world: its directory, its disk, its network, its doors.

import { MalformedError } from "./base/malformed.ts";
import { Database } from "./client/database.ts";
import { StoppableApi } from "./client/stoppable_api.ts";
import { CLIENT_DEFAULTS } from "./doors/client_defaults.ts";
import { ClientMemory } from "./doors/client_memory.ts";
import { ClientSlots } from "./doors/client_slots.ts";
import { type RespDoor, type RespDoorOptions, startRespDoor } from "./doors/resp/server.ts";
import { type HttpDoor, startHttpDoor } from "./doors/http/server.ts";
import { unreachableProblem } from "./host/addresses.ts";
import { openDataDirectory } from "./host/data_directory.ts";
import {
  type DescriptorShares,
  freeDescriptors,
  shareDescriptors,
  wantedDescriptors,
} from "./host/descriptors.ts";
import { createLibp2pNetwork, generateIdentity } from "./host/libp2p_network.ts";
import { silentLog } from "./host/logtape_log.ts";
import { NodeStore } from "./host/node_store.ts";
import { SystemClock } from "./host/system_clock.ts";
import { SystemRandom } from "./host/system_random.ts";
import { zstd } from "./host/zstd.ts";
import type { NodeApi } from "./node/api.ts";
import { StartAnewError } from "./node/left_behind.ts";
import { Node } from "./node/node.ts";
import type { NodePorts } from "./node/node_ports.ts";
import type { NodeSettings } from "./node/settings.ts";
import type { Disk } from "./ports/disk.ts";
import type { Log } from "./ports/log.ts";
import type { NamespaceSettings, QuorumLevel } from "./replica/namespaces.ts";
import { CorruptError, DenamoError, DiskFullError, messageOf } from "./wire/errors.ts";

/** How a node is started. Only `name` and `data` are needed. */
export interface NodeOptions {
  /** The node's name, unique in its cluster: letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  /** The directory that the node keeps to itself. It is made if it does not exist. */
  readonly data: string;
  /** Nodes of one cluster bear one cluster name; default `denamo`. */
  readonly cluster?: string | undefined;
  /** Multiaddrs to listen on; default `/ip4/127.0.0.1/tcp/0`. */
  readonly listen?: readonly string[] | undefined;
  /** Multiaddrs under which others reach this node, if not those it listens on. */
  readonly announce?: readonly string[] | undefined;
  /** Multiaddrs of other nodes, with or without `/p2p/…`. */
  readonly join?: readonly string[] | undefined;
  /** Host and port of the HTTP door; no door unless given. Port 0 takes a free one. */
  readonly http?: string | undefined;
  /** Host and port of the RESP door; no door unless given. */
  readonly resp?: string | undefined;
  /** `dc` or `dc/rack`; default `dc1/rack1`. */
  readonly zone?: string | undefined;
  /** Its share of the data beside others; default 1. */
  readonly weight?: number | undefined;
  /** Partitions of the first layout, a power of two from 256 to 16384; default 1024. */
  readonly partitions?: number | undefined;
  /**
   * Copies of every key in the first layout; default 3. A node with 1 and no `join` is its own cluster: it makes its
   * layout at its first start. An empty `join` is that of the first of several.
   */
  readonly replication?: number | undefined;
  /** How many owners answer a read; default `quorum`. */
  readonly r?: QuorumLevel | undefined;
  /** How many owners have a write on disk before it is acknowledged; default `quorum`. */
  readonly w?: QuorumLevel | undefined;
  /** Count owners only for `r` and `w`, never their stand-ins; default false. */
  readonly strict?: boolean | undefined;
  /** For requests that do not say; default 5000. */
  readonly timeoutMs?: number | undefined;
  /** Settings of key prefixes, the same at all nodes; default none. */
  readonly namespaces?: readonly NamespaceSettings[] | undefined;
  /** How far a clock may be from the median of all; default 1000. */
  readonly maxClockSkewMs?: number | undefined;
  /** Between heartbeats; default 1000. */
  readonly heartbeatMs?: number | undefined;
  /** How long what was deleted is remembered at the least, in milliseconds; default 600000. */
  readonly forgetAfterMs?: number | undefined;
  /** After how long a node that is down comes back with empty copies; default three days. */
  readonly maxAbsenceMs?: number | undefined;
  /**
   * Sets a damaged store aside and starts with an empty one, even if others may have no copies of what it holds;
   * default false.
   */
  readonly setAsideDamaged?: boolean | undefined;
  /** Memory for decoded objects; default 64 MiB. */
  readonly cacheBytes?: number | undefined;
  /** Connections of clients at once, over both doors; default 4096, and fewer where the system grants fewer. */
  readonly maxClients?: number | undefined;
  /**
   * What clients may make the node hold together besides the buffers of their connections: half requests, and answers
   * that they do not take; default 256 MiB.
   */
  readonly clientMemoryBytes?: number | undefined;
  /** Where messages for the operator go; default nowhere. */
  readonly log?: Log | undefined;
}

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;

/** How often it is noted whether the layout has changed, in milliseconds. */
const NOTE_EVERY_MS = 1_000;

/** A node that runs in this process, with the methods of {@linkcode Database}. */
export class RunningNode extends Database implements AsyncDisposable {
  /** The name of the node, from its options. */
  readonly name: string;
  /** Its libp2p peer id, which it keeps in its directory. */
  readonly peerId: string;
  /** The multiaddrs at which others reach it. */
  readonly p2p: readonly string[];
  /** Host and port as really bound. */
  readonly http: string | undefined;
  /** Host and port of the RESP door as really bound; undefined without one. */
  readonly resp: string | undefined;
  /** All that a node can do, with keys and values as bytes. */
  readonly api: NodeApi;
  /**
   * Resolves with the reason if the node must give up, such as another live node with its name. After a
   * {@linkcode StartAnewError} it can be stopped and started again at once.
   */
  readonly failed: Promise<Error>;
  readonly #stoppable: StoppableApi;
  readonly #end: () => Promise<void>;
  #ended: Promise<void> | undefined;

  /** @ignore Use {@linkcode startNode}. */
  constructor(
    facts: Pick<RunningNode, "name" | "peerId" | "p2p" | "http" | "resp" | "failed">,
    api: NodeApi,
    end: () => Promise<void>,
  ) {
    const stoppable = new StoppableApi(api);
    super(stoppable);
    this.name = facts.name;
    this.peerId = facts.peerId;
    this.p2p = facts.p2p;
    this.http = facts.http;
    this.resp = facts.resp;
    this.failed = facts.failed;
    this.api = stoppable;
    this.#stoppable = stoppable;
    this.#end = end;
  }

  /** Stops the node and frees its directory; calls from then on fail as `stopped`. May be called twice. */
  stop(): Promise<void> {
    this.#stoppable.stop();
    return this.#ended ??= this.#end();
  }

  /** As {@linkcode RunningNode.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/**
 * Starts a node. It is alive when this resolves, and serves requests once its cluster has a layout, which a node of
 * `replication: 1` without `join` makes by itself.
 *
 * @throws if the directory is in use or not ours, or an address is taken: the message names it, and
 * nothing is left running
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { name, cluster = "denamo", log = silentLog } = options;
  const undo = new AsyncDisposableStack();
  try {
    const directory = await openDataDirectory(options.data, { name, cluster, generateIdentity });
    undo.defer(() => directory.close());
    const shares = descriptorShares(options, directory.path, log);
    const clients = clientsOf(options, shares.clients);
    const store = await NodeStore.of(directory, {
      node: name,
      joins: (options.join ?? []).length > 0,
      setsAsideDamaged: options.setAsideDamaged === true,
      log,
    });
    undo.defer(() => store.close());
    const doors: { http: string | undefined; resp: string | undefined } = {
      http: undefined,
      resp: undefined,
    };
    const { r, w, strict, timeoutMs } = options;
    const settings: NodeSettings = {
      node: name,
      cluster,
      zone: options.zone ?? "dc1/rack1",
      weight: options.weight ?? 1,
      partitions: options.partitions ?? 1024,
      replication: options.replication ?? 3,
      defaults: { r, w, strict, timeoutMs },
      namespaces: options.namespaces ?? [],
      maxClockSkewMs: options.maxClockSkewMs ?? 1_000,
      heartbeatMs: options.heartbeatMs ?? 1_000,
      forgetAfterMs: options.forgetAfterMs,
      maxAbsenceMs: options.maxAbsenceMs,
      cacheBytes: options.cacheBytes ?? DEFAULT_CACHE_BYTES,
      join: options.join ?? [],
      doors: () => doors,
    };
    const openPorts = async (): Promise<NodePorts> => {
      // A node that has started owns its disk and its network, and closing them twice does no harm.
      const disk = await store.open();
      const network = await createLibp2pNetwork({
        cluster,
        privateKey: directory.identity,
        listen: options.listen ?? ["/ip4/127.0.0.1/tcp/0"],
        announce: options.announce,
        maxInboundConnections: shares.inboundPeers,
        log,
      });
      return {
        clock: new SystemClock(),
        random: new SystemRandom(),
        network,
        disk,
        compressor: zstd,
        log,
      };
    };
    const { node, ports } = await startOnSoundStore(settings, store, openPorts);
    const { disk, network } = ports;
    undo.defer(() => node.stop());
    if (options.resp !== undefined) {
      const door = await startRespDoor({
        ...clients,
        api: node,
        ...hostAndPort(options.resp),
        log,
      });
      undo.defer(() => door.stop());
      doors.resp = addressOf(door);
    }
    if (options.http !== undefined) {
      const door = await startHttpDoor({
        ...clients,
        api: node,
        ...hostAndPort(options.http),
        log,
      });
      undo.defer(() => door.stop());
      doors.http = addressOf(door);
    }
    if (options.replication === 1 && options.join === undefined) await makeOwnLayout(node, name);
    undo.use(noteLayouts(node, store, log));
    const p2p = network.addresses();
    const unreachable = unreachableProblem(settings.join, p2p);
    if (unreachable !== undefined) log.warn(unreachable, { addresses: p2p });
    const facts = { name, peerId: network.self, p2p, ...doors };
    await directory.writeNodeFile({ ...facts, pid: Deno.pid });
    const failed = Promise.race([node.failed, damaged(disk, store)]);
    const end = undo.move();
    return new RunningNode({ ...facts, failed }, node, () => end.disposeAsync());
  } catch (error) {
    await undo.disposeAsync();
    if (!(error instanceof DiskFullError)) throw error;
    const message =
      `${error.message}. Make room on the device of ${options.data}, then start the node again`;
    throw new DenamoError("disk_failed", "no", message);
  }
}

/** Who may open how many files and sockets. */
function descriptorShares(options: NodeOptions, path: string, log: Log): DescriptorShares {
  const { maxClients = CLIENT_DEFAULTS.maxClients } = options;
  const shares = shareDescriptors(
    freeDescriptors(path, wantedDescriptors(maxClients)),
    maxClients,
  );
  if (shares.clients < maxClients) {
    log.warn("The system grants few open files: fewer clients can be connected", {
      clients: shares.clients,
      wanted: maxClients,
    });
  }
  return shares;
}

/** What the doors share. */
function clientsOf(options: NodeOptions, count: number): Pick<RespDoorOptions, "slots" | "memory"> {
  return {
    slots: new ClientSlots(count),
    memory: new ClientMemory(options.clientMemoryBytes ?? CLIENT_DEFAULTS.memoryBytes),
  };
}

/** Starts a node; if it finds its journal or its own facts damaged, once more on an empty store. */
async function startOnSoundStore(
  settings: NodeSettings,
  store: NodeStore,
  openPorts: () => Promise<NodePorts>,
): Promise<{ node: Node; ports: NodePorts }> {
  let ports = await openPorts();
  try {
    return { node: await Node.start(settings, ports), ports };
  } catch (error) {
    if (!(error instanceof CorruptError || error instanceof MalformedError)) throw error;
    // What passes its checksum and makes no sense was written so, and is no damage of the disk.
    const isDamage = error instanceof CorruptError && !error.isOtherVersion;
    const action = isDamage ? "is damaged" : "holds what this program cannot read";
    await store.setAsideDamaged(`${store.path} ${action}: ${messageOf(error)}`, isDamage);
  }
  ports = await openPorts();
  return { node: await Node.start(settings, ports), ports };
}

/** Resolves when SQLite has called the open store damaged, and another start would help by itself. */
async function damaged(disk: Disk, store: NodeStore): Promise<Error> {
  const { kind, reason } = await disk.lost;
  if (kind !== "damaged" || !store.maySetAside) return await new Promise(() => {});
  return new StartAnewError(
    `${reason}. The node starts again, to check its store and set it aside`,
  );
}

/**
 * A node that is told to keep one copy and to join nobody is its own cluster, so there is nothing that an operator would
 * have to decide. If others have met it already it waits for them to.
 */
async function makeOwnLayout(node: Node, name: string): Promise<void> {
  if (node.ring() !== undefined) return;
  try {
    await node.initLayout([name]);
  } catch (error) {
    const isRefused = error instanceof DenamoError &&
      (error.code === "layout_refused" || error.code === "layout_exists");
    if (!isRefused) throw error;
  }
}

/** Notes each layout beside the store until it is disposed of, and then once more; see cluster_note.ts. */
function noteLayouts(node: Node, store: NodeStore, log: Log): AsyncDisposable {
  const note = async () => {
    if (node.status().layoutVersion === store.notedLayoutVersion) return;
    const ring = node.ring();
    if (ring === undefined) return;
    const { members, replication, version } = ring;
    const names = members.map(({ node }) => node);
    try {
      await store.noteCluster({ layoutVersion: version, members: names, replication });
    } catch (error) {
      log.debug("Cannot note the layout beside the store", { error: messageOf(error) });
    }
  };
  const timer = setInterval(note, NOTE_EVERY_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await note();
    },
  };
}

function hostAndPort(address: string): { hostname: string; port: number } {
  const at = address.lastIndexOf(":");
  const port = Number(address.slice(at + 1));
  if (at <= 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`"${address}" is no host and port, such as 127.0.0.1:7301`);
  }
  return { hostname: address.slice(0, at).replace(/^\[|\]$/g, ""), port };
}

function addressOf(door: RespDoor | HttpDoor): string {
  const host = door.hostname.includes(":") ? `[${door.hostname}]` : door.hostname;
  return `${host}:${door.port}`;
}
