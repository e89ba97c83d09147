// Inline commands: a line of words, for people with telnet and for health checks.
//
// Words are parted by white space. Double quotes know \n \r \t \b \a \xHH and \ before any other byte;
// single quotes know \' only. A closing quote must end its word.
//
// Source: the command reference of Redis, "Redis serialization protocol specification", inline commands.

const SPACE = 32;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const BACKSLASH = 92;
const LOWER_X = 120;

/** The words of a line, in memory of their own; undefined if a quote is not closed properly. */
export function splitInline(line: Uint8Array): Uint8Array[] | undefined {
  // Redis splits C strings: a NUL ends the line.
  const nul = line.indexOf(0);
  if (nul >= 0) line = line.subarray(0, nul);
  const words: Uint8Array[] = [];
  // All words lie in one buffer: one of its own would cost a short word much more than its bytes.
  const kept = new Uint8Array(line.length);
  let start = 0;
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at]!)) at++;
    if (at === line.length) return words;
    let end = start;
    let quote = 0;
    for (;;) {
      const byte = line[at];
      if (byte === undefined) {
        if (quote !== 0) return undefined;
        break;
      }
      if (quote === 0) {
        if (isSpace(byte)) break;
        if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) quote = byte;
        else kept[end++] = byte;
        at++;
      } else if (byte === quote) {
        at++;
        if (at < line.length && !isSpace(line[at]!)) return undefined;
        quote = 0;
        break;
      } else if (byte === BACKSLASH && quote === SINGLE_QUOTE && line[at + 1] === SINGLE_QUOTE) {
        kept[end++] = SINGLE_QUOTE;
        at += 2;
      } else if (byte === BACKSLASH && quote === DOUBLE_QUOTE && at + 1 < line.length) {
        const escaped = hexByte(line, at);
        kept[end++] = escaped ?? plainEscape(line[at + 1]!);
        at += escaped === undefined ? 2 : 4;
      } else {
        kept[end++] = byte;
        at++;
      }
    }
    words.push(kept.subarray(start, end));
    start = end;
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= 9 && byte <= 13);
}

/** The byte that `\xHH` at `at` says, if it is one. */
function hexByte(line: Uint8Array, at: number): number | undefined {
  if (line[at + 1] !== LOWER_X) return undefined;
  const high = hexDigit(line[at + 2]);
  const low = hexDigit(line[at + 3]);
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function hexDigit(byte: number | undefined): number | undefined {
  if (byte === undefined) return undefined;
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}

function plainEscape(byte: number): number {
  switch (byte) {
    case 110:
      return 10; // \n
    case 114:
      return 13; // \r
    case 116:
      return 9; // \t
    case 98:
      return 8; // \b
    case 97:
      return 7; // \a
    default:
      return byte;
  }
}
