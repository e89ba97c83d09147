// Bytes and the few things that everybody does with them.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to how many bytes a text is put together byte by byte. */
const SHORT_TEXT_BYTES = 64;

export const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** The UTF-8 of `text`. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/**
 * The UTF-8 of a text that a program gives. Without this two texts that differ in a lone surrogate would be one.
 *
 * @param what begins the message, as in "A key"
 * @throws {TypeError} if the text has a lone surrogate
 */
export function wellFormedUtf8(text: string, what: string): Uint8Array<ArrayBuffer> {
  if (!text.isWellFormed()) {
    throw new TypeError(`${what} cannot have a lone surrogate: ${JSON.stringify(text)}`);
  }
  return utf8(text);
}

/** Reads UTF-8; bytes that are none become U+FFFD. For people and logs. */
export function utf8Text(bytes: Uint8Array): string {
  return shortAsciiText(bytes, 0, bytes.length) ?? decoder.decode(bytes);
}

/** Reads UTF-8, or returns undefined if the bytes are none. */
export function strictUtf8Text(bytes: Uint8Array): string | undefined {
  try {
    return shortAsciiText(bytes, 0, bytes.length) ?? strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The text of the bytes from `from` to `to` (excluded) if all are ASCII and they are few, else undefined. Names
 * are, and calling the decoder costs several times as much as they do.
 */
export function shortAsciiText(bytes: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from;
  if (length > SHORT_TEXT_BYTES) return undefined;
  const codes = new Array<number>(length);
  for (let i = 0; i < length; i++) {
    const byte = bytes[from + i]!;
    if (byte >= 0x80) return undefined;
    codes[i] = byte;
  }
  return String.fromCharCode.apply(null, codes);
}

/** One character (U+0000 to U+00FF) per byte: a string that can be a key of a Map. Reversible. */
export function binaryString(bytes: Uint8Array): string {
  const length = bytes.length;
  if (length > 4096) {
    let text = "";
    for (let at = 0; at < length; at += 4096) text += binaryString(bytes.subarray(at, at + 4096));
    return text;
  }
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** The inverse of {@linkcode binaryString}. */
export function fromBinaryString(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The unsigned 32-bit number in the four bytes at `at`, the highest first. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}

/** Puts an unsigned 32-bit number into the four bytes at `at`, the highest first. */
export function setUint32At(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Orders byte strings as unsigned numbers from the left; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function startsWithBytes(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The smallest byte string above every string that starts with `prefix`; undefined if there is none. */
export function prefixEnd(prefix: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i]!;
    if (byte === 0xff) continue;
    const end = prefix.slice(0, i + 1);
    end[i] = byte + 1;
    return end;
  }
  return undefined;
}

/** Base64 with the alphabet of RFC 4648 section 5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Reads {@linkcode toBase64Url}; undefined if the text is none. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}

/** Shows a key to people: its text if it is plain text, else hexadecimal, at most 64 characters. */
export function showBytes(bytes: Uint8Array): string {
  const text = strictUtf8Text(bytes.subarray(0, 256));
  // deno-lint-ignore no-control-regex
  const shown = text !== undefined && !/[\u0000-\u001f\u007f]/.test(text) ? text : bytes.toHex();
  return shown.length <= 64 ? shown : `${shown.slice(0, 61)}...`;
}
