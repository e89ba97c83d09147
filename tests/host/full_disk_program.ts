// A process whose files must not grow beyond a limit: its disk is full, until it raises the limit.
//
// The limit holds for a whole process, so the tests themselves cannot live under it.

import { openDenoKvDisk } from "../../src/host/deno_kv_disk.ts";
import { raiseFileLimit } from "./file_limit.ts";
import { checkFullDisk } from "../contracts/full_disk_contract.ts";

const disk = await openDenoKvDisk(Deno.args[0]!);
await checkFullDisk(disk, () => raiseFileLimit(Deno.pid));
await disk.close();
