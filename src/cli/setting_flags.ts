// Flags for commander, made from a table of settings.

import { type Command, Option } from "commander";
import { type ConfigSources, flagName, unknownVariables, variableName } from "./config.ts";
import type { Settings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Gives a command one flag for each setting, and `--config`. What it does not know is left to
 * {@linkcode sourcesOf}, so that it is listed with all other mistakes.
 */
export function addSettingFlags(command: Command, settings: Settings): void {
  for (const [key, setting] of Object.entries(settings)) {
    if (setting.read === undefined) continue;
    const value = setting.placeholder === undefined ? "" : ` <${setting.placeholder}>`;
    const byDefault = setting.defaultText === undefined ? "" : ` (default: ${setting.defaultText})`;
    const option = new Option(flagName(key) + value, setting.help + byDefault);
    if (setting.isList) {
      option.argParser((text: string, before: string[] = []) => [...before, text]);
    }
    command.addOption(option);
    if (setting.placeholder === undefined) {
      command.addOption(new Option(flagName(key).replace("--", "--no-")).hideHelp());
    }
  }
  command
    .option("--config <file>", "JSON file with settings; its keys are flags in camel case")
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      "after",
      `
Each flag is also an environment variable (${flagName("timeoutMs")} is ${
        variableName("timeoutMs")
      }) and a key of the
config file (timeoutMs). A flag wins over a variable, a variable over the file. Only the file can hold
namespaces: {"namespaces": [{"prefix": "cart:", "w": "all", "conflicts": "siblings"}]}`,
    );
}

/** Where the settings of a parsed command come from. */
export function sourcesOf(command: Command, terminal: Terminal): ConfigSources {
  return {
    flags: command.opts(),
    leftover: command.args,
    environment: terminal.environment,
    baseDirectory: terminal.baseDirectory,
    readTextFile: (path) => Deno.readTextFileSync(path),
  };
}

/** Says which variables look like settings and are none. */
export async function warnOfVariables({ environment, err }: Terminal): Promise<void> {
  const warning = unknownVariables(environment);
  if (warning !== undefined) await err(warning);
}
