// LCS: the longest common subsequence of two strings.
//
// The table has a cell for each pair of bytes, so two values of half a megabyte would take a terabyte: what a command
// may gather bounds it, and what would keep the node from its other clients.
//
// Source: Cormen et al., "Introduction to Algorithms", section 15.4; replies as those of Redis 7.

import { EMPTY } from "../../base/bytes.ts";
import { TooLargeError } from "../../wire/errors.ts";
import { integerArgument, ownBytes } from "./arguments.ts";
import { type Arguments, type Client, type Command, lowerWord } from "./command.ts";
import { ReplyError, syntaxError } from "./error_replies.ts";
import { forEachKey } from "./many_keys.ts";
import { stringIn, WrongTypeError } from "./typed_values.ts";

export const LCS_COMMANDS: readonly Command[] = [
  {
    name: "lcs",
    arity: -3,
    run: longestCommon,
    group: "string",
    summary: "Find the longest common subsequence [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN]",
    flags: ["readonly"],
    keys: [1, 2, 1],
  },
];

/** Bytes of a table of four bytes a cell: some tens of milliseconds of one thread. */
const TABLE_BYTES_MAX = 32 * 1024 * 1024;

interface Options {
  readonly isLength: boolean;
  readonly isIndexes: boolean;
  readonly minLength: number;
  readonly hasLengths: boolean;
}

/** Bytes that both have, one after the other: places in each, both ends included. */
interface Match {
  readonly first: readonly [start: number, end: number];
  readonly second: readonly [start: number, end: number];
}

async function longestCommon(client: Client, command: Arguments): Promise<void> {
  const { api, reply } = client;
  const values = await forEachKey(command.slice(1, 3), "reads", async (key) => {
    try {
      return stringIn(await api.get(ownBytes(key))) ?? EMPTY;
    } catch (error) {
      if (!(error instanceof WrongTypeError)) throw error;
      throw new ReplyError("ERR The specified keys must contain string values");
    }
  });
  const { isLength, isIndexes, minLength, hasLengths } = optionsOf(command);
  const [a, b] = values as [Uint8Array, Uint8Array];
  const sizeBytes = (a.length + 1) * (b.length + 1) * 4;
  if (sizeBytes > TABLE_BYTES_MAX) {
    throw new TooLargeError("The table of LCS", TABLE_BYTES_MAX, sizeBytes);
  }
  client.gather(sizeBytes);
  const { length, common, matches } = compare(a, b);
  if (isLength) return reply.integer(length);
  if (!isIndexes) return reply.bulk(common);
  const shown = matches.filter(({ first: [start, end] }) => end - start + 1 >= minLength);
  reply.map(2);
  reply.text("matches");
  reply.array(shown.length);
  for (const { first, second } of shown) {
    reply.array(hasLengths ? 3 : 2);
    for (const [start, end] of [first, second]) {
      reply.array(2);
      reply.integer(start);
      reply.integer(end);
    }
    if (hasLengths) reply.integer(first[1] - first[0] + 1);
  }
  reply.text("len");
  reply.integer(length);
}

function optionsOf(command: Arguments): Options {
  let isLength = false;
  let isIndexes = false;
  let hasLengths = false;
  let minLength = 0;
  for (let at = 3; at < command.length; at++) {
    const word = lowerWord(command[at]!);
    if (word === "idx") isIndexes = true;
    else if (word === "len") isLength = true;
    else if (word === "withmatchlen") hasLengths = true;
    else if (word === "minmatchlen" && at + 1 < command.length) {
      minLength = Math.max(0, integerArgument(command[++at]!));
    } else throw syntaxError();
  }
  if (isIndexes && isLength) {
    throw new ReplyError(
      "ERR If you want both the length and indexes, please just use IDX.",
    );
  }
  return { isLength, isIndexes, minLength, hasLengths };
}

/** Matches come from the end of the strings to their beginning, as the table is walked back. */
function compare(a: Uint8Array, b: Uint8Array) {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const at = i * width + j;
      table[at] = a[i - 1] === b[j - 1]
        ? table[at - width - 1]! + 1
        : Math.max(table[at - width]!, table[at - 1]!);
    }
  }
  const length = table[a.length * width + b.length]!;
  const common = new Uint8Array(length);
  const matches: Match[] = [];
  let left = length;
  let i = a.length;
  let j = b.length;
  let run = 0;
  const endRun = () => {
    if (run > 0) matches.push({ first: [i, i + run - 1], second: [j, j + run - 1] });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      common[--left] = a[i - 1]!;
      i--;
      j--;
      run++;
      continue;
    }
    endRun();
    if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) i--;
    else j--;
  }
  endRun();
  return { length, common, matches };
}
