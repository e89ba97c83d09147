// What a local cluster is made of: names, ports, directories and command lines, worked out beforehand.

import { join } from "node:path";
import { type ClusterConfig, flagName } from "./config.ts";
import { UsageError } from "./report.ts";
import { CLUSTER_SETTINGS } from "./settings.ts";

/** One node of a local cluster. */
export interface PlannedNode {
  readonly name: string;
  readonly data: string;
  readonly ports: { readonly p2p: number; readonly resp: number; readonly http: number };
  /** The HTTP door. */
  readonly url: string;
  /** What follows `denamo`: a whole command line for this node. */
  readonly args: readonly string[];
}

export const LOCAL_HOST = "127.0.0.1";

/**
 * Plans the nodes of a local cluster: node k, from 1, has its three ports at `portBase` + k, + 100 and
 * + 200, and joins all the others, so that it comes back whoever else is there.
 */
export function planCluster(config: ClusterConfig): PlannedNode[] {
  const ports = Array.from({ length: config.nodes }, (_, index) => {
    const p2p = config.portBase + index + 1;
    return { p2p, resp: p2p + 100, http: p2p + 200 };
  });
  return ports.map((own, index) => {
    const name = nodeName(index + 1);
    const data = join(config.data, name);
    const others = ports.filter((port) => port !== own).map(({ p2p }) => multiaddr(p2p));
    const args = [
      "node",
      ...["--name", name],
      ...["--listen", multiaddr(own.p2p)],
      ...others.flatMap((address) => ["--join", address]),
      ...["--data", data],
      ...["--http", `${LOCAL_HOST}:${own.http}`],
      ...["--resp", `${LOCAL_HOST}:${own.resp}`],
      ...sharedFlags(config),
    ];
    return { name, data, ports: own, url: `http://${LOCAL_HOST}:${own.http}`, args };
  });
}

/**
 * Makes sure that the data of earlier runs is that of a cluster of this size.
 *
 * @param found the names of all entries of the data directory
 * @param recorded how many nodes the cluster had that wrote there, if it is known
 * @throws {UsageError} if it had another number of nodes
 */
export function checkSize(
  config: ClusterConfig,
  found: readonly string[],
  recorded: number | undefined,
): void {
  const numbers = found.map((name) => /^n([1-9][0-9]{0,3})$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined).map(Number);
  const size = recorded ?? (numbers.length === 0 ? undefined : Math.max(...numbers));
  if (size === undefined || size === config.nodes) return;
  throw new UsageError(
    `${config.data} holds the data of ${size} ${size === 1 ? "node" : "nodes"}, not of ` +
      `${config.nodes}: start with --nodes ${size}, or with another --data`,
  );
}

function nodeName(number: number): string {
  return `n${number}`;
}

function multiaddr(port: number): string {
  return `/ip4/${LOCAL_HOST}/tcp/${port}`;
}

/** The flags that hand the cluster's own settings on to each node. */
function sharedFlags(config: ClusterConfig): string[] {
  const flags: string[] = [];
  for (const [key, setting] of Object.entries(CLUSTER_SETTINGS)) {
    if (key === "nodes" || key === "data" || key === "portBase") continue;
    const value = key === "logLevel" ? config.logLevel ?? "warning" : config[key as "cluster"];
    if (value === undefined || !("read" in setting)) continue;
    if (typeof value !== "boolean") flags.push(flagName(key), String(value));
    else flags.push(value ? flagName(key) : flagName(key).replace("--", "--no-"));
  }
  if (config.configPath !== undefined) flags.push("--config", config.configPath);
  return flags;
}
