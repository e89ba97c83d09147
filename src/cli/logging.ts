// The log of a process that runs a node. Loaded only where one is needed, since it takes a while.

import { configureLog, createLog, type LogThreshold } from "../host/logtape_log.ts";
import type { Log } from "../ports/log.ts";

/** Sends what a node logs to stderr. */
export function startLogging(
  options: { level: LogThreshold | "warn"; isJson: boolean; node: string },
): Log {
  const level = options.level === "warn" ? "warning" : options.level;
  configureLog({ level, json: options.isJson });
  return createLog(options.node);
}
