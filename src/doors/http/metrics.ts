// Figures for Prometheus: of the process, of this door, and whatever the node measures.
//
// The registry is the door's own, so that several nodes can live in one process. Requests are counted by
// route, never by key: a label per key would make a time series per key. What the node measures is asked
// for when somebody looks, under `denamo_` and its own name.

import process from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { utf8 } from "../../base/bytes.ts";
import type { Measurement, NodeApi } from "../../node/api.ts";

import type { ClientMemory } from "../client_memory.ts";
import type { ClientSlots } from "../client_slots.ts";
import { type Operation, operation } from "./operation.ts";

/** What a door tells of itself when somebody looks. */
export interface DoorFigures {
  /** How many requests it is answering. */
  readonly inFlight: () => number;
  readonly connections: () => number;
  readonly stuckConnections: () => number;
  readonly slots: ClientSlots;
  readonly memory: ClientMemory;
}

/** The requests of one door, and the text in which all figures are shown. */
export class DoorMetrics {
  readonly #api: NodeApi;
  readonly #registry = new Registry();
  readonly #requests: Counter<"route" | "method" | "status">;
  readonly #durations: Histogram<"route" | "method" | "status">;
  /** The two series of a route, method and status, found without hashing labels at every request. */
  readonly #series = new Map<string, Series>();

  constructor(api: NodeApi, door: DoorFigures) {
    this.#api = api;
    const labelNames = ["route", "method", "status"] as const;
    this.#requests = new Counter({
      name: "denamo_http_requests_total",
      help: "Requests that the HTTP door has answered",
      labelNames,
      registers: [this.#registry],
    });
    this.#durations = new Histogram({
      name: "denamo_http_request_duration_seconds",
      help: "Seconds from a request's head to its answer's",
      labelNames,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [this.#registry],
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read());
        },
      });
    const counter = (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    const { slots, memory } = door;
    gauge(
      "denamo_http_requests_in_flight",
      "Requests that the HTTP door is answering",
      door.inFlight,
    );
    gauge("denamo_http_connections", "Connections of the HTTP door", door.connections);
    counter(
      "denamo_http_stuck_connections_total",
      "Connections that were closed within half a request or an answer that was not taken",
      door.stuckConnections,
    );
    gauge("denamo_client_connections", "Connections of all doors", () => slots.count);
    counter(
      "denamo_client_connections_refused_total",
      "Connections that were refused because there were too many",
      () => slots.refusedCount,
    );
    gauge(
      "denamo_client_memory_bytes",
      "What clients make the doors hold: half requests, answers that were not taken",
      () => memory.heldBytes,
    );
    counter(
      "denamo_client_memory_evictions_total",
      "Connections that were closed because clients held too much",
      () => memory.evictedCount,
    );
    addProcessFigures(this.#registry, gauge);
  }

  /** Counts one answer. @param route the path as OpenAPI writes it, or "unknown" */
  observe(route: string, method: string, status: number, seconds: number): void {
    const name = `${method} ${status} ${route}`;
    let series = this.#series.get(name);
    if (series === undefined) {
      const known = KNOWN_METHODS.has(method) ? method : "other";
      const labels = { route, method: known, status: String(status) };
      series = {
        requests: this.#requests.labels(labels),
        durations: this.#durations.labels(labels),
      };
      if (known === method) this.#series.set(name, series);
    }
    series.requests.inc();
    series.durations.observe(seconds);
  }

  /** Everything in Prometheus's text format. */
  async text(): Promise<string> {
    const own = await this.#registry.metrics();
    return `${own}\n${await textOfMeasurements(this.#api.measurements())}`;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

/** `GET /metrics`. */
export function metricsOperation(metrics: DoorMetrics): Operation {
  return operation({
    id: "getMetrics",
    method: "GET",
    path: "/metrics",
    summary: "Figures for Prometheus",
    query: {},
    responses: {
      200: {
        description: "Prometheus's text format.",
        content: { [metrics.contentType]: { type: "string" } },
      },
    },
    problems: {},
    handle: async () => {
      const headers = { "content-type": metrics.contentType };
      return { status: 200, headers, body: utf8(await metrics.text()) };
    },
  });
}

interface Series {
  readonly requests: { inc(): void };
  readonly durations: { observe(seconds: number): void };
}

/** Other methods share one label: anybody can invent names. */
const KNOWN_METHODS = new Set(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]);

function addProcessFigures(
  registry: Registry,
  gauge: (name: string, help: string, read: () => number) => void,
): void {
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Seconds of processor time that the process has used",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge(
    "process_start_time_seconds",
    "When the process began, in seconds since 1970",
    () => performance.timeOrigin / 1000,
  );
  gauge(
    "process_resident_memory_bytes",
    "Memory of the process that is in RAM",
    () => Deno.memoryUsage().rss,
  );
  gauge("process_heap_bytes", "JavaScript heap in use", () => Deno.memoryUsage().heapUsed);
  gauge(
    "process_external_memory_bytes",
    "Memory of buffers outside the JavaScript heap",
    () => Deno.memoryUsage().external,
  );
}

/** The node's measurements; those of one name are one metric with several series. */
async function textOfMeasurements(measurements: readonly Measurement[]): Promise<string> {
  const registry = new Registry();
  const byName = Map.groupBy(measurements, (measurement) => measurement.name);
  for (const [name, series] of byName) {
    const { help, kind } = series[0]!;
    const labelNames = [...new Set(series.flatMap(({ labels }) => Object.keys(labels ?? {})))];
    const configuration = { name: `denamo_${name}`, help, labelNames, registers: [registry] };
    if (kind === "counter") {
      const counter = new Counter(configuration);
      for (const { labels, value } of series) counter.inc(labels ?? {}, value);
    } else {
      const gauge = new Gauge(configuration);
      for (const { labels, value } of series) gauge.set(labels ?? {}, value);
    }
  }
  return await registry.metrics();
}
