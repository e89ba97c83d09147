// The HTTP door of a node: Deno.serve in front of the router, with counting, limits and an end.
//
// Stopping has to end in bounded time whatever clients do: keep-alive connections may be open for ever,
// bodies may never come. Deno's graceful shutdown waits for all of them, and cannot be hurried once it has
// been asked for. So the door drains by itself: it refuses further requests, waits a little until the
// answers under way have been sent, and then closes every connection at once.

import type { NodeApi } from "../../node/api.ts";
import type { Log } from "../../ports/log.ts";
import { DenamoError, OverloadedError } from "../../wire/errors.ts";
import { LIMITS } from "../../wire/limits.ts";
import { clusterOperations } from "./cluster_routes.ts";
import { keyOperations } from "./kv_routes.ts";
import { DoorMetrics, metricsOperation } from "./metrics.ts";
import { openApiOperation } from "./openapi.ts";
import type { DoorContext, Operation } from "./operation.ts";
import { problemResponse } from "./problem.ts";
import { namespaceOperations } from "./namespace_routes.ts";
import { repairOperations } from "./repair_routes.ts";
import { BodyReader } from "./request_body.ts";
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
  /** How long a client may take to send one body, in milliseconds. */
  readonly bodyTimeoutMs?: number | undefined;
  /** How long {@linkcode HttpDoor.stop} waits for answers under way, in milliseconds. */
  readonly drainMs?: number | undefined;
  /** How many requests may be under way before those for data are refused. */
  readonly maxInFlight?: number | undefined;
}

export interface HttpDoor {
  readonly hostname: string;
  readonly port: number;
  /** Answers what is under way, at most for `drainMs`, then closes every connection. Idempotent. */
  stop(): Promise<void>;
}

const BODY_TIMEOUT_MS = 30_000;
const DRAIN_MS = 2_000;

/** What Deno calls completed may still be on its way to the socket: answers get this long to leave. */
const LINGER_MS = 50;

/** What the bodies of all requests that are being read may hold together. */
const BODIES_BYTES = 64 * 1024 * 1024;

/** Opens the door. Rejects, naming the address, if it cannot be listened on. */
export function startHttpDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  return Promise.try(() => new Server(options));
}

class Server implements HttpDoor {
  readonly hostname: string;
  readonly port: number;
  readonly #router: Router;
  readonly #metrics: DoorMetrics;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();
  readonly #drainMs: number;
  readonly #maxInFlight: number;
  #inFlight = 0;
  #lastEndMs = -Infinity;
  #stopped: Promise<void> | undefined;
  /** Set while stopping: called when the last request under way has ended. */
  #onIdle: (() => void) | undefined;

  constructor(options: HttpDoorOptions) {
    const { api, hostname, port, log } = options;
    this.#drainMs = options.drainMs ?? DRAIN_MS;
    this.#maxInFlight = options.maxInFlight ?? LIMITS.inFlightPerNodeCount;
    this.#metrics = new DoorMetrics(api, () => this.#inFlight);
    const bodies = new BodyReader({
      timeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
      totalBytes: BODIES_BYTES,
    });
    this.#router = routerOf(operationsOf({ api, bodies }, this.#metrics), log);
    this.#server = listen(hostname, port, this.#abort.signal, (request, info) => {
      this.#inFlight++;
      info.completed.then(this.#onEnd, this.#onEnd);
      return this.#handle(request);
    });
    this.hostname = this.#server.addr.hostname;
    this.port = this.#server.addr.port;
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.#drainAndClose();
  }

  async #handle(request: Request): Promise<Response> {
    const startedMs = performance.now();
    const response = await this.#answer(request);
    response.headers.set("cache-control", "no-store");
    response.headers.set("x-content-type-options", "nosniff");
    const seconds = (performance.now() - startedMs) / 1000;
    this.#metrics.observe(
      this.#router.routeOf(request),
      request.method,
      response.status,
      seconds,
    );
    return response;
  }

  #answer(request: Request): Response | Promise<Response> {
    if (this.#stopped !== undefined) {
      return problemResponse(new DenamoError("stopped", "no", "The node is stopping"));
    }
    const limit = this.#maxInFlight;
    // The small answers about the node itself must come even then, or it would be taken for dead.
    if (this.#inFlight > limit && this.#router.routeOf(request).startsWith("/kv")) {
      return problemResponse(new OverloadedError("The HTTP door", limit));
    }
    return this.#router.answer(request);
  }

  /** A request has been answered, or its connection has gone. */
  readonly #onEnd = (): void => {
    this.#inFlight--;
    this.#lastEndMs = performance.now();
    if (this.#inFlight === 0) this.#onIdle?.();
  };

  async #drainAndClose(): Promise<void> {
    if (this.#inFlight > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onIdle = resolve;
      const timer = setTimeout(resolve, this.#drainMs);
      await promise;
      clearTimeout(timer);
    }
    const lingerMs = this.#lastEndMs + LINGER_MS - performance.now();
    if (lingerMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, lingerMs));
    this.#abort.abort();
    await this.#server.finished;
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

function listen(
  hostname: string,
  port: number,
  signal: AbortSignal,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, signal, onListen() {} }, handler);
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse
      ? "another process uses this port"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new Error(`Cannot listen for HTTP on ${hostname}:${port}: ${why}`, { cause });
  }
}
