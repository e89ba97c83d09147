// The entry of `denamo`.
//
// A node leaves handles behind that would keep the process alive, and some libraries do as well, so
// the process ends here and says its exit code.

import { goDirectToLoopback } from "./loopback.ts";
import { runProgram } from "./program.ts";
import { systemTerminal } from "./terminal.ts";

if (import.meta.main) {
  goDirectToLoopback(Deno.env);
  Deno.exit(await runProgram(Deno.args, systemTerminal()));
}
