// list: keys by prefix, page by page.

import type { Command } from "commander";
import { LIMITS } from "../wire/limits.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
  wholeNumber,
} from "./client_command.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { UnreachableError } from "./http_client.ts";
import { json, oneLine } from "./output.ts";
import { UsageError } from "./report.ts";

export function addListCommand(program: Command, host: CommandHost): void {
  const command = program.command("list")
    .description("list keys")
    .argument("[prefix]", "only keys that begin with this text")
    .option("--limit <count>", "at most so many keys (default: 100)", wholeNumber)
    .option("--all", "all keys, however many there are")
    .option("--cursor <cursor>", "go on where an earlier list ended")
    .option("--values", "with the latest value of each key")
    .addHelpText("after", EXAMPLES);
  clientCommand(host, command, list);
}

const EXAMPLES = `
Keys come in the order of the ring. A key that is no plain text is printed as JSON, or as base64:…

Examples:
  denamo list cart:
  denamo list --all --json
  denamo list --limit 1000 --values`;

interface ListOptions extends ClientOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly cursor?: string;
  readonly values?: boolean;
}

/** One key as the HTTP door shows it. */
interface KeyEntry {
  readonly key?: string;
  readonly keyBase64?: string;
  readonly type?: string;
  readonly value?: unknown;
  readonly base64?: string;
}

const DEFAULT_LIMIT = 100;

async function list({ terminal, http, args, options }: ClientCall<ListOptions>): Promise<ExitCode> {
  if (options.all && options.limit !== undefined) {
    throw new UsageError("Give --limit or --all, not both");
  }
  const limit = options.all ? Infinity : options.limit ?? DEFAULT_LIMIT;
  if (limit < 1) throw new UsageError("--limit must be at least 1");
  const collected: KeyEntry[] = [];
  let count = 0;
  let cursor: string | null = options.cursor ?? null;
  do {
    const answer = await http.request("GET", "/kv", {
      query: {
        prefix: args[0],
        limit: String(Math.min(limit - count, LIMITS.scanPageCount)),
        cursor: cursor ?? undefined,
        values: options.values ? "true" : undefined,
      },
    });
    const page = answer.exactJson();
    if (!Array.isArray(page.keys)) {
      throw new UnreachableError(`What answers at ${http.url} is no Denamo node`, false);
    }
    const keys: KeyEntry[] = page.keys;
    cursor = page.cursor ?? null;
    count += keys.length;
    if (options.json) collected.push(...keys);
    else if (!await terminal.out(keys.map(line).join(""))) return EXIT_CODES.ok;
  } while (cursor !== null && count < limit);
  if (options.json) await terminal.out(json({ keys: collected, cursor }));
  else if (cursor !== null) {
    await terminal.err(`There may be more: --cursor ${cursor} goes on, --all lists everything`);
  }
  return EXIT_CODES.ok;
}

function line(entry: KeyEntry): string {
  const key = entry.key === undefined ? `base64:${entry.keyBase64}` : oneLine(entry.key);
  if (entry.type === undefined) return `${key}\n`;
  const value = entry.base64 !== undefined
    ? `base64:${entry.base64}`
    : typeof entry.value === "string" && entry.type.startsWith("text/")
    ? oneLine(entry.value)
    : JSON.stringify(entry.value);
  return `${key}\t${value}\n`;
}
