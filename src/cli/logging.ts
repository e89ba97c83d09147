// What a node's process logs: lines on standard error.

import { configureLog, createLog, type LogThreshold } from "../host/logtape_log.ts";
import type { Log } from "../ports/log.ts";
import type { Terminal } from "./terminal.ts";

export interface LoggingOptions {
  readonly level: LogThreshold;
  /** One JSON object per line, each with the name of the node. */
  readonly isJson: boolean;
  readonly node: string;
}

/** Decides where the logs of this process go, and returns the node's. */
export function startLogging({ level, isJson, node }: LoggingOptions, terminal: Terminal): Log {
  configureLog({
    level,
    json: isJson,
    write: (line) => {
      // A node outlives the reader of its log, and a full disk under it: there is nobody to tell.
      terminal.err(line.trimEnd()).catch(() => {});
    },
  });
  const log = createLog();
  if (!isJson) return log;
  return {
    debug: (message, fields) => log.debug(message, { node, ...fields }),
    info: (message, fields) => log.info(message, { node, ...fields }),
    warn: (message, fields) => log.warn(message, { node, ...fields }),
    error: (message, fields) => log.error(message, { node, ...fields }),
  };
}
