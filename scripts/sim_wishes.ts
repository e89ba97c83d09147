// The command line of the simulator: what is wished for, or what is wrong with it.

import { Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../src/cli/client_command.ts";
import type { FaultKind } from "../tests/sim/options.ts";
import {
  joinOverrides,
  onlyFaults,
  type Overrides,
  readFaultKinds,
  readOverrides,
} from "../tests/sim/overrides.ts";

export interface Wishes {
  /** The seeds from `first` on, `count` of them. */
  readonly first: number;
  readonly count: number;
  /** The numbers of nodes to draw from; as a seed likes if there are none. */
  readonly nodes: readonly number[];
  /** Whether worlds are calm but for `overrides`. */
  readonly isCalm: boolean;
  /** The kinds of faults that may happen; undefined for all. */
  readonly only: readonly FaultKind[] | undefined;
  /** What is not as it is drawn, with all that `--only` turns off. */
  readonly overrides: Overrides;
  /** How many seeds run at the same time. */
  readonly jobs: number;
  /** What is told of a seed that is run by itself. */
  readonly trace: "nothing" | "story" | "all";
  readonly keepsGoing: boolean;
  readonly shrinks: boolean;
}

/** How the command line of the simulator is read. */
export function simCommand(): Command {
  return new Command("sim")
    .description(
      "Runs simulated clusters in which things go wrong, and asks whether they kept their promises",
    )
    .option("--seeds <count>", "how many seeds are run", above(0), 100)
    .option("--from <seed>", "the first of them", wholeNumber, 1)
    .option("--seed <seed>", "only this one", wholeNumber)
    .option("--nodes <counts>", "numbers of nodes to draw from: 3, 3,5 or 3-7", readCounts)
    .option("--calm", "a world in which nothing goes wrong but for what --with says")
    .option(
      "--only <faults>",
      "no other faults than these, as often as drawn",
      orInvalid(readFaultKinds),
    )
    .option(
      "--with <json>",
      'options instead of those drawn: {"durationMs":4000}',
      orInvalid(readOverrides),
    )
    .option(
      "--jobs <count>",
      "how many run at the same time (default: one for each core)",
      above(0),
    )
    .option("--trace [what]", 'tell the story of --seed; "all" also tells its messages', readTrace)
    .option("--keep-going", "do not end at the first seed that fails")
    .option("--no-shrink", "do not look for a smaller world that fails as well")
    .helpOption("--help", "show this")
    .addHelpText("after", EXAMPLES);
}

/**
 * Reads a command line.
 *
 * @param coreCount the number of jobs if none is given
 * @throws {CommanderError} if it makes no sense, if the command says so (see `exitOverride`)
 */
export function readWishes(
  args: readonly string[],
  coreCount: number,
  command: Command = simCommand(),
): Wishes {
  command.parse(args, { from: "user" });
  const given = command.opts<Given>();
  const trace = given.trace === true ? "story" : given.trace ?? "nothing";
  if (trace !== "nothing" && given.seed === undefined) {
    command.error("error: option '--trace' tells of one seed: give --seed as well");
  }
  const { only } = given;
  const drawn = only === undefined ? {} : onlyFaults(only);
  return {
    first: given.seed ?? given.from,
    count: given.seed === undefined ? given.seeds : 1,
    nodes: given.nodes ?? [],
    isCalm: given.calm === true,
    only,
    overrides: joinOverrides(drawn, given.with ?? {}),
    jobs: given.jobs ?? coreCount,
    trace,
    keepsGoing: given.keepGoing === true,
    shrinks: given.shrink,
  };
}

/** What commander makes of the options above. */
interface Given {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly nodes?: number[];
  readonly calm?: boolean;
  readonly only?: FaultKind[];
  readonly with?: Overrides;
  readonly jobs?: number;
  readonly trace?: true | "story" | "all";
  readonly keepGoing?: boolean;
  readonly shrink: boolean;
}

const EXAMPLES = `
Examples:
  deno task sim --seeds 1000                            on all cores, until one fails
  deno task sim --seeds 1000 --keep-going --only crash,lostDisk
  deno task sim --seed 178 --trace                      what happens in one seed
  deno task sim --seed 178 --with '{"faults":{"crash":0.5},"durationMs":4000}'`;

function above(least: number): (text: string) => number {
  return (text) => {
    const number = wholeNumber(text);
    if (number > least) return number;
    throw new InvalidArgumentError(`It must be above ${least}.`);
  };
}

/** "3", "3,5", "3-7" or any of these between commas. */
function readCounts(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const range = /^(\d+)-(\d+)$/.exec(part);
    const [least, most] = (range?.slice(1) ?? [part, part]).map(above(0));
    if (most! < least!) throw new InvalidArgumentError(`${part} is empty.`);
    return Array.from({ length: most! - least! + 1 }, (_, i) => least! + i);
  });
}

function readTrace(text: string): "story" | "all" {
  if (text === "story" || text === "all") return text;
  throw new InvalidArgumentError('It is "story" or "all".');
}

/** Lets commander say which option was wrong. */
function orInvalid<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (error instanceof TypeError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  };
}
