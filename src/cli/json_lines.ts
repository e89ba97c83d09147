// A terminal for a node whose log is read by machines: all that it says is one JSON object per line.
//
// What is said before the log is there, or when there can be none, looks like what the log says: a mistake in the
// configuration, a warning, that the node runs, why it has given up.

import { utf8Text } from "../base/bytes.ts";
import type { ConfigSources } from "./config.ts";
import type { Terminal } from "./terminal.ts";

type Level = "info" | "warning" | "error";

/** Whether a command line asks for JSON, as far as that can be known before all settings are read. */
export function wantsJsonLines(
  { environment, flags }: Pick<ConfigSources, "environment" | "flags">,
): boolean {
  const { logJson } = flags;
  if (typeof logJson === "boolean") return logJson;
  return /^(true|1|yes|on)$/i.test(environment["DENAMO_LOG_JSON"] ?? "");
}

/** The same terminal, to which each text is written as one line of JSON. */
export function jsonLines(terminal: Terminal, level: Level): Terminal {
  return {
    ...terminal,
    out: (content) => terminal.out(lineOf("info", content) + "\n"),
    err: (text) => terminal.err(lineOf(level, text)),
  };
}

function lineOf(level: Level, content: string | Uint8Array): string {
  const text = typeof content === "string" ? content : utf8Text(content);
  const time = new Date().toISOString();
  return JSON.stringify({ time, level, category: "", message: text.trimEnd() });
}
