// What the process says to the script that started it.
//
// The three outcomes of an operation must reach a script as well: it may repeat what was refused (3),
// but what may have taken effect (4) only if repeating does no harm.

export const EXIT_CODES = {
  ok: 0,
  notFound: 1,
  usage: 2,
  refused: 3,
  unknownOutcome: 4,
  unreachable: 5,
  siblings: 6,
  cannotRun: 7,
  notInOrder: 8,
  /** The number of EX_SOFTWARE in sysexits.h. */
  internal: 70,
} as const;

export type ExitCode = typeof EXIT_CODES[keyof typeof EXIT_CODES];

/** Shown below the help of every command. */
export const EXIT_CODES_HELP = `Exit codes:
  0   ok
  1   the key, or the placement asked for, is not there
  2   wrong usage, or a value or configuration that makes no sense
  3   refused or failed, certainly without effect
  4   unknown: it may take effect, now or later
  5   the node cannot be reached
  6   the key has several siblings (they are listed; see --latest and --json)
  7   a node or local cluster could not start, or had to give up
  8   hints are kept or copies differ, or a node cannot be asked whether
  70  a mistake in Denamo itself`;
