// The log port over LogTape, and how a node's process writes it to stderr.
//
// A program that embeds a node configures LogTape as it likes, and hears of the category "denamo"; if it does
// not, nothing is written. The command line calls `configureLog`. Lines are written at once and whole,
// so that the last words of a dying process are not lost.

import { configureSync, getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";
import type { Log, LogFields } from "../ports/log.ts";
import { messageOf } from "../wire/errors.ts";

/** From the most to the least talkative. */
export type LogThreshold = "debug" | "info" | "warning" | "error";

/** Makes the log of one part of the node; `createLog("network")` has the category `denamo·network`. */
export function createLog(...category: string[]): Log {
  const logger = getLogger(["denamo", ...category]);
  const write = (level: LogLevel, message: string, fields: LogFields = {}) => {
    if (!logger.isEnabledFor(level)) return;
    // Emitted as a record: a message with braces in it is no template.
    logger.emit({
      level,
      message: [message],
      rawMessage: message,
      timestamp: Date.now(),
      properties: { ...fields },
    });
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warning", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface LogConfiguration {
  /** What is less important is left out; default `info`. */
  readonly level?: LogThreshold | undefined;
  /** One JSON object per line instead of text for people. */
  readonly json?: boolean | undefined;
  /** Takes each line with its line end; default stderr. */
  readonly write?: ((line: string) => void) | undefined;
}

/** Decides where the logs of this process go. May be called again. */
export function configureLog(configuration: LogConfiguration = {}): void {
  const { level = "info", json = false, write = writeToStderr } = configuration;
  const lineOf = json ? jsonLine : textLine;
  configureSync({
    reset: true,
    sinks: { lines: (record) => write(lineOf(record)) },
    loggers: [
      { category: ["denamo"], lowestLevel: level, sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["lines"] },
    ],
  });
}

/** `2026-01-31 10:20:30.123 INFO  network: A peer was refused  peer=12D3… reason="This is …"` */
export function textLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString().replace("T", " ").replace("Z", "");
  const where = record.category.slice(1).join(".");
  const fields = Object.entries(record.properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${shown(value)}`);
  const message = oneLine(record.message.join(""));
  return `${time} ${record.level.toUpperCase().padEnd(7)} ${where === "" ? "" : `${where}: `}` +
    `${message}${fields.length > 0 ? " " : ""}${fields.join("")}\n`;
}

/** `{"time":"…Z","level":"info","category":"network","message":"…", …the fields}` */
export function jsonLine(record: LogRecord): string {
  const line = {
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    category: record.category.slice(1).join("."),
    message: record.message.join(""),
  };
  const members = Object.entries({ ...line, ...record.properties, ...line })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${json(value)}`);
  return `{${members.join(",")}}\n`;
}

const encoder = new TextEncoder();

function writeToStderr(line: string): void {
  let bytes = encoder.encode(line);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
}

function shown(value: unknown): string {
  return typeof value === "string" && /^[^\s"=\\]+$/.test(value) ? value : json(value);
}

/** The JSON of anything: what cannot be written, such as a circle, as a text. */
function json(value: unknown): string {
  try {
    return JSON.stringify(value, (_name, inner) => plain(inner)) ?? JSON.stringify(String(value));
  } catch (error) {
    return JSON.stringify(`${String(value)} (${messageOf(error).split("\n")[0]})`);
  }
}

/** What JSON cannot show, as something that it can. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return value.stack ?? value.message;
  if (value instanceof Uint8Array) return value.toHex();
  return value;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}
