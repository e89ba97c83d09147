import { SystemClock } from "../../src/host/system_clock.ts";
import { clockContract } from "../contracts/clock_contract.ts";
import { eventually } from "./eventually.ts";

clockContract("SystemClock", () => ({ clock: new SystemClock(), until: eventually }));
