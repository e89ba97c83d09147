// The command `denamo` with all its parts, as one function from arguments to an exit code.

import { Command, CommanderError } from "commander";
import manifest from "../../deno.json" with { type: "json" };
import type { CommandHost } from "./client_command.ts";
import { addClusterCommand } from "./cluster_command.ts";
import { addViewCommands } from "./cluster_view_commands.ts";
import { EXIT_CODES, EXIT_CODES_HELP, type ExitCode } from "./exit_codes.ts";
import { addHintsCommand } from "./hints_command.ts";
import { addKeyCommands } from "./kv_commands.ts";
import { addLayoutCommand } from "./layout_command.ts";
import { addListCommand } from "./list_command.ts";
import { addNodeCommand } from "./node_command.ts";
import { json } from "./output.ts";
import { addNamespaceCommand } from "./namespace_command.ts";
import { addRepairCommand } from "./repair_command.ts";
import { describeError, errorAsJson, exitCodeOf } from "./report.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command line. Everything that goes wrong ends as a message and an exit code. */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.ok;
  const host: CommandHost = {
    terminal,
    run: async (body, options) => {
      try {
        exitCode = await body();
      } catch (error) {
        exitCode = exitCodeOf(error);
        const text = options?.isJson ? json(errorAsJson(error)).trimEnd() : describeError(error);
        await terminal.err(text);
      }
    },
  };
  const written = { out: "", err: "" };
  const program = new Command("denamo")
    .description("Denamo: Dynamo for Deno")
    .version(manifest.version)
    .helpCommand(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => written.out += text,
      writeErr: (text) => written.err += text,
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
    })
    .addHelpText("after", EXAMPLES)
    .addHelpText("afterAll", `\n${EXIT_CODES_HELP}`);
  addKeyCommands(program, host);
  addListCommand(program, host);
  addViewCommands(program, host);
  addLayoutCommand(program, host);
  addHintsCommand(program, host);
  addRepairCommand(program, host);
  addNamespaceCommand(program, host);
  addNodeCommand(program, host);
  addClusterCommand(program, host);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exitCode = error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  }
  if (written.out !== "") await terminal.out(written.out);
  if (written.err !== "") await terminal.err(written.err.trimEnd());
  return exitCode;
}

const HELP_WIDTH = 100;

const EXAMPLES = `
Examples:
  denamo cluster                          a cluster of three nodes on this machine
  denamo put cart:alice "2 apples"        through the node at http://127.0.0.1:7301
  denamo get cart:alice --url http://127.0.0.1:7302
  denamo members --json`;
