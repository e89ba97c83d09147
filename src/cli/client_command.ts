// What all commands that speak to a node have in common: its URL, `--json`, and how errors end.

import { type Command, InvalidArgumentError } from "commander";
import type { ExitCode } from "./exit_codes.ts";
import { HttpClient } from "./http_client.ts";
import { UsageError } from "./report.ts";
import type { Terminal } from "./terminal.ts";

/** What a command runs in. */
export interface CommandHost {
  readonly terminal: Terminal;
  /** Runs the body of a command; its result, or what it throws, becomes the exit code. */
  run(body: () => Promise<ExitCode>, options?: { isJson?: boolean | undefined }): Promise<void>;
}

export interface ClientOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** What the body of such a command works with. */
export interface ClientCall<O extends ClientOptions> {
  readonly terminal: Terminal;
  readonly http: HttpClient;
  readonly args: readonly string[];
  readonly options: O;
}

export const DEFAULT_URL = "http://127.0.0.1:7301";

/** Gives a command its `--url` and `--json`, and its body. */
export function clientCommand<O extends ClientOptions>(
  host: CommandHost,
  command: Command,
  body: (call: ClientCall<O>) => Promise<ExitCode>,
): void {
  const { terminal } = host;
  command
    .option("--url <url>", `any node's HTTP door (or DENAMO_URL; default: ${DEFAULT_URL})`)
    .option("--json", "print JSON, also for errors")
    .action(() => {
      const options = command.opts<O>();
      return host.run(async () => {
        const http = openClient(options.url || terminal.environment["DENAMO_URL"] || DEFAULT_URL);
        return await body({ terminal, http, args: command.args, options });
      }, { isJson: options.json });
    });
}

/** Reads a whole number that is not negative, for commander. */
export function wholeNumber(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It must be a whole number.");
}

function openClient(url: string): HttpClient {
  try {
    return new HttpClient(url.includes("://") ? url : `http://${url}`);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
