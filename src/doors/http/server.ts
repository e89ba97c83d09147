// The HTTP door of a node: a listening socket, the connections that came through it, and the router behind them.
//
// Stopping has to end in bounded time whatever clients do: connections may be open for ever, bodies may never
// come. So the door drains: it refuses further requests, waits a little until the answers under way have been
// written, and then closes every connection at once.

import type { NodeApi } from "../../node/api.ts";
import type { Log } from "../../ports/log.ts";
import { DenamoError, messageOf, OverloadedError } from "../../wire/errors.ts";
import { LIMITS } from "../../wire/limits.ts";
import { acceptConnections } from "../accepting.ts";
import { CLIENT_DEFAULTS } from "../client_defaults.ts";
import { ClientMemory } from "../client_memory.ts";
import { ClientSlots } from "../client_slots.ts";
import { Seldom } from "../seldom.ts";
import { clusterOperations } from "./cluster_routes.ts";
import { type ConnectionOwner, type ConnectionTimes, HttpConnection } from "./connection.ts";
import { HTTP_LIMITS } from "./http_limits.ts";
import { keyOperations } from "./kv_routes.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { DoorMetrics, metricsOperation } from "./metrics.ts";
import { openApiOperation } from "./openapi.ts";
import type { DoorContext, Operation } from "./operation.ts";
import { problemResponse } from "./problem.ts";
import { namespaceOperations } from "./namespace_routes.ts";
import { repairOperations } from "./repair_routes.ts";
import { BodyReader } from "./request_body.ts";
import { responseBytes } from "./response_bytes.ts";
import { type Router, routerOf } from "./router.ts";
import { scanOperation } from "./scan_route.ts";
import { updateOperation } from "./update_route.ts";

export interface HttpDoorOptions {
  readonly api: NodeApi;
  /** An address or name of this machine. */
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly log: Log;
  /** Connections and memory that all doors of a node share; without them the door has some of its own. */
  readonly slots?: ClientSlots | undefined;
  readonly memory?: ClientMemory | undefined;
  /** How long a client may take to send one body, in milliseconds. */
  readonly bodyTimeoutMs?: number | undefined;
  /** How long a client may keep the door waiting otherwise. */
  readonly times?: ConnectionTimes | undefined;
  /** How long {@linkcode HttpDoor.stop} waits for answers under way, in milliseconds. */
  readonly drainMs?: number | undefined;
  /** How many requests may be under way before those for data are refused. */
  readonly maxInFlight?: number | undefined;
}

export interface HttpDoor {
  readonly hostname: string;
  readonly port: number;
  /** How many connections are open. */
  connections(): number;
  /** Answers what is under way, at most for `drainMs`, then closes every connection. Idempotent. */
  stop(): Promise<void>;
}

const STUCK_CHECK_INTERVAL_MS = 1_000;

/** Opens the door. Rejects, naming the address, if it cannot be listened on. */
export function startHttpDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  return Promise.try(() => new Server(options));
}

class Server implements HttpDoor, ConnectionOwner {
  readonly hostname: string;
  readonly port: number;
  readonly log: Log;
  readonly memory: ClientMemory;
  readonly times: ConnectionTimes;
  readonly #slots: ClientSlots;
  readonly #router: Router;
  readonly #metrics: DoorMetrics;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #stuckCheck: ReturnType<typeof setInterval>;
  readonly #connections = new Set<HttpConnection>();
  /** Those that wait for a request, the one that waits longest first. */
  readonly #waiting = new Set<HttpConnection>();
  readonly #refusals = new Seldom();
  readonly #drainMs: number;
  readonly #maxInFlight: number;
  #inFlight = 0;
  #stuckCount = 0;
  #isClosed = false;
  #stopped: Promise<void> | undefined;
  /** Set while stopping: called when the last request under way has ended. */
  #onQuiet: (() => void) | undefined;

  constructor(options: HttpDoorOptions) {
    const { api, hostname, port, log } = options;
    this.log = log;
    this.memory = options.memory ?? new ClientMemory(CLIENT_DEFAULTS.memoryBytes);
    this.times = options.times ?? HTTP_LIMITS;
    this.#slots = options.slots ?? new ClientSlots(CLIENT_DEFAULTS.maxClients);
    this.#drainMs = options.drainMs ?? HTTP_LIMITS.drainMs;
    this.#maxInFlight = options.maxInFlight ?? LIMITS.inFlightPerNodeCount;
    this.#metrics = new DoorMetrics(api, {
      inFlight: () => this.#inFlight,
      connections: () => this.#connections.size,
      stuckConnections: () => this.#stuckCount,
      slots: this.#slots,
      memory: this.memory,
    });
    const bodies = new BodyReader({
      timeoutMs: options.bodyTimeoutMs ?? HTTP_LIMITS.bodyMs,
      memoryBytes: this.memory.limitBytes,
    });
    this.#router = routerOf(operationsOf({ api, bodies }, this.#metrics), log);
    this.#listener = listen(hostname, port);
    this.hostname = this.#listener.addr.hostname;
    this.port = this.#listener.addr.port;
    this.#slots.onFull(() => this.#closeLongestWaiting());
    this.#stuckCheck = setInterval(() => {
      const nowMs = performance.now();
      for (const connection of this.#connections) connection.endIfStuck(nowMs);
    }, STUCK_CHECK_INTERVAL_MS);
    this.#accepting = acceptConnections(
      this.#listener,
      (socket) => this.#admit(socket),
      {
        door: "HTTP",
        log,
        isStopping: () => this.#isClosed,
        makeRoom: () => this.#slots.makeRoom(),
      },
    );
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  connections(): number {
    return this.#connections.size;
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.#drainAndClose();
  }

  async answer(request: HttpRequest): Promise<HttpResponse> {
    const startedMs = performance.now();
    const route = this.#router.routeOf(request.target);
    const response = await this.#answer(request, route);
    response.headers["cache-control"] = "no-store";
    response.headers["x-content-type-options"] = "nosniff";
    const seconds = (performance.now() - startedMs) / 1000;
    this.#metrics.observe(route, request.method, response.status, seconds);
    return response;
  }

  onRequest(connection: HttpConnection): void {
    this.#inFlight++;
    this.#waiting.delete(connection);
  }

  onAnswered(connection: HttpConnection): void {
    this.#inFlight--;
    if (this.#connections.has(connection)) this.#waiting.add(connection);
    if (this.#inFlight === 0) this.#onQuiet?.();
  }

  onStuck(): void {
    this.#stuckCount++;
  }

  #answer(request: HttpRequest, route: string): HttpResponse | Promise<HttpResponse> {
    if (this.isStopping) {
      return problemResponse(new DenamoError("stopped", "no", "The node is stopping"));
    }
    const limit = this.#maxInFlight;
    // The small answers about the node itself must come even then, or it would be taken for dead.
    if (this.#inFlight > limit && route.startsWith("/kv")) {
      return problemResponse(new OverloadedError("The HTTP door", limit));
    }
    return this.#router.answer(request, route);
  }

  #admit(socket: Deno.TcpConn): void {
    if (!this.#slots.take()) {
      this.#refusals.do((count) =>
        this.log.warn("Too many connections: HTTP clients are refused", {
          limit: this.#slots.limit,
          times: count,
        })
      );
      void this.#refuse(socket);
      return;
    }
    const connection = new HttpConnection(socket, this);
    this.#connections.add(connection);
    this.#waiting.add(connection);
    void connection.run().finally(() => this.#forget(connection));
  }

  /** Frees the slot of a connection that has been closed; once. */
  #forget(connection: HttpConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#waiting.delete(connection);
    this.#slots.free();
  }

  /** A connection between two requests may be closed at any time: clients open another. */
  #closeLongestWaiting(): boolean {
    for (const connection of this.#waiting) {
      connection.end();
      this.#forget(connection);
      return true;
    }
    return false;
  }

  async #refuse(socket: Deno.TcpConn): Promise<void> {
    const problem = problemResponse(
      new OverloadedError("The node's room for connections", this.#slots.limit),
    );
    try {
      for (const part of responseBytes(problem, { isHead: false, connection: "close" })) {
        await socket.write(part);
      }
    } catch (error) {
      this.log.debug("A refused HTTP client was gone", { problem: messageOf(error) });
    } finally {
      socket.close();
    }
  }

  async #drainAndClose(): Promise<void> {
    if (this.#inFlight > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onQuiet = resolve;
      const timer = setTimeout(resolve, this.#drainMs);
      await promise;
      clearTimeout(timer);
    }
    this.#isClosed = true;
    clearInterval(this.#stuckCheck);
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#connections) {
      connection.end();
      this.#forget(connection);
    }
  }
}

/** All operations of the door. */
function operationsOf(context: DoorContext, metrics: DoorMetrics): readonly Operation[] {
  const operations: Operation[] = [
    ...keyOperations(context),
    updateOperation(context),
    scanOperation(context),
    ...clusterOperations(context),
    ...namespaceOperations(context),
    ...repairOperations(context),
    metricsOperation(metrics),
    openApiOperation(() => operations),
  ];
  return operations;
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? "another process uses this port"
      : messageOf(cause);
    throw new Error(`Cannot listen for HTTP on ${hostname}:${port}: ${why}`, { cause });
  }
}
