// layout init: the first layout, once in the life of a cluster.

import type { Command } from "commander";
import type { RingView } from "../node/api.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
} from "./client_command.ts";
import { ringText } from "./cluster_view_commands.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { json } from "./output.ts";
import { UsageError } from "./report.ts";

export function addLayoutCommand(program: Command, host: CommandHost): void {
  const layout = program.command("layout").description("decide which nodes keep the data");
  const init = layout.command("init")
    .description("make the first layout of a cluster, once all its nodes see each other")
    .requiredOption("--members <names>", "all nodes of the cluster, with commas between them")
    .option(
      "--force",
      "make it though it leaves out nodes or keeps fewer copies than was asked for",
    )
    .addHelpText("after", EXAMPLE);
  clientCommand(host, init, initLayout);
}

const EXAMPLE = `
A layout is made once and cannot be changed. One that leaves out a node that is there, or has fewer
nodes than every key is to have copies, is refused unless it is forced.

Example:
  denamo layout init --members n1,n2,n3`;

interface InitOptions extends ClientOptions {
  readonly members: string;
  readonly force?: boolean;
}

async function initLayout(
  { terminal, http, options }: ClientCall<InitOptions>,
): Promise<ExitCode> {
  const members = options.members.split(",").map((name) => name.trim());
  if (members.includes("")) throw new UsageError("--members has an empty name");
  if (new Set(members).size < members.length) throw new UsageError("--members has a name twice");
  const answer = await http.request("POST", "/cluster/layout", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(options.force ? { members, force: true } : { members }),
  });
  const view: RingView = answer.json();
  await terminal.out(options.json ? json(view) : ringText(view));
  return EXIT_CODES.ok;
}
