// get, put and delete: one key, through any node.

import { resolve } from "node:path";
import type { Command } from "commander";
import { strictUtf8Text, utf8 } from "../base/bytes.ts";
import { messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import {
  type ClientCall,
  clientCommand,
  type ClientOptions,
  type CommandHost,
  wholeNumber,
} from "./client_command.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { type HttpAnswer, keyPath, ProblemError, UnreachableError } from "./http_client.ts";
import { counted, json, oneLine, oneLineBytes } from "./output.ts";
import { UsageError } from "./report.ts";
import { readAll } from "./terminal.ts";

export function addKeyCommands(program: Command, host: CommandHost): void {
  const getCommand = keyCommand(program, "get", "print the value of a key, byte by byte")
    .option("--r <level>", "owners that must answer: one, quorum, all or a number")
    .option("--at-least <token>", "show nothing older than what gave this token")
    .option("--latest", "of several siblings print the latest only")
    .addHelpText("after", GET_EXAMPLES);
  clientCommand(host, getCommand, get);
  const putCommand = keyCommand(program, "put", "store a value")
    .argument("[value]", "the value; - or nothing: from standard input")
    .option("--file <path>", "take the value from a file")
    .option("--json-value", "the value is JSON")
    .option("--text", "a value from a file or standard input is text, not just bytes")
    .option("--w <level>", "owners that must have it on disk: one, quorum, all or a number")
    .option("--context <token>", "replace exactly what the read that gave this token saw")
    .option("--ttl-ms <ms>", "how long the value lives", wholeNumber)
    .option("--expires-at-ms <ms>", "when the value ends, in ms since 1970", wholeNumber)
    .addHelpText("after", PUT_EXAMPLES);
  clientCommand(host, putCommand, put);
  const deleteCommand = keyCommand(program, "delete", "delete a key")
    .option("--w <level>", "owners that must have it on disk: one, quorum, all or a number")
    .option("--context <token>", "delete exactly what the read that gave this token saw");
  clientCommand(host, deleteCommand, remove);
}

const GET_EXAMPLES = `
Examples:
  denamo get cart:alice
  denamo get photo > photo.jpg
  denamo get cart:alice --json      with type, context, and all siblings`;

const PUT_EXAMPLES = `
Examples:
  denamo put cart:alice "2 apples"
  denamo put temperature -- -5      what begins with a dash goes behind --
  denamo put cart:alice --json-value '{"apples": 2}'
  denamo put photo --file photo.jpg
  date | denamo put today --text --ttl-ms 86400000`;

interface KeyOptions extends ClientOptions {
  readonly keyBase64?: boolean;
  readonly strict?: boolean;
  readonly timeoutMs?: number;
}

interface GetOptions extends KeyOptions {
  readonly r?: string;
  readonly atLeast?: string;
  readonly latest?: boolean;
}

interface WriteOptions extends KeyOptions {
  readonly w?: string;
  readonly context?: string;
}

interface PutOptions extends WriteOptions {
  readonly ttlMs?: number;
  readonly expiresAtMs?: number;
  readonly file?: string;
  readonly jsonValue?: boolean;
  readonly text?: boolean;
}

/** One sibling as the HTTP door shows it: text and JSON as `value`, all else in base64. */
interface SiblingView {
  readonly type: string;
  readonly value?: unknown;
  readonly base64?: string;
}

/** What a read found, as `--json` prints it. */
interface ReadView {
  readonly context?: string;
  readonly expiresAtMs?: number;
  readonly siblings: readonly SiblingView[];
}

function keyCommand(program: Command, name: string, description: string): Command {
  return program.command(name)
    .description(description)
    .argument("<key>", "the key, a text")
    .option("--key-base64", "the key is written in base64")
    .option("--strict", "count owners only, never their stand-ins")
    .option("--timeout-ms <ms>", "when to give up", wholeNumber);
}

async function get(call: ClientCall<GetOptions>): Promise<ExitCode> {
  const { terminal, http, options } = call;
  const key = keyOf(call);
  const siblings = options.latest ? "latest" : undefined;
  let answer: HttpAnswer;
  try {
    answer = await http.request("GET", pathOf(key), {
      query: { ...requestQuery(options), r: options.r, siblings },
      headers: { "denamo-at-least": options.atLeast },
      ...patience(options),
    });
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== "not_found") throw error;
    const context = error.headers.get("denamo-context");
    if (options.json) {
      const found = { ...keyView(key), ...(context ? { context } : {}), siblings: [] };
      await terminal.out(json(found));
    } else await terminal.err(`Key ${oneLineBytes(key)} is not there`);
    return EXIT_CODES.notFound;
  }
  if (!answer.headers.has("denamo-siblings") && answer.status !== 300) {
    throw new UnreachableError(`What answers at ${http.url} is no Denamo node`, false);
  }
  if (options.json) {
    await terminal.out(json({ ...keyView(key), ...readView(answer) }));
    return EXIT_CODES.ok;
  }
  if (answer.status === 300) {
    await terminal.out(listing(key, readView(answer)));
    return EXIT_CODES.siblings;
  }
  const needsNewline = terminal.isOutputTerminal && answer.body.at(-1) !== 0x0a;
  if (await terminal.out(answer.body) && needsNewline) await terminal.out("\n");
  return EXIT_CODES.ok;
}

async function put(call: ClientCall<PutOptions>): Promise<ExitCode> {
  const { http, options } = call;
  const key = keyOf(call);
  if (options.ttlMs !== undefined && options.expiresAtMs !== undefined) {
    throw new UsageError("Give --ttl-ms or --expires-at-ms, not both");
  }
  const { body, type } = await valueOf(call);
  const answer = await http.request("PUT", pathOf(key), {
    query: {
      ...requestQuery(options),
      w: options.w,
      ttlMs: options.ttlMs?.toString(),
      expiresAtMs: options.expiresAtMs?.toString(),
    },
    headers: { "denamo-context": options.context, "content-type": type },
    body,
    ...patience(options),
  });
  return await tellWritten(call, key, answer, {});
}

async function remove(call: ClientCall<WriteOptions>): Promise<ExitCode> {
  const { terminal, http, options } = call;
  const key = keyOf(call);
  const answer = await http.request("DELETE", pathOf(key), {
    query: { ...requestQuery(options), w: options.w },
    headers: { "denamo-context": options.context },
    ...patience(options),
  });
  const existed = answer.headers.get("denamo-existed") === "true";
  if (!existed && !options.json) await terminal.err(`Key ${oneLineBytes(key)} was not there`);
  return await tellWritten(call, key, answer, { existed });
}

async function tellWritten(
  { terminal, options }: ClientCall<WriteOptions>,
  key: Uint8Array,
  answer: HttpAnswer,
  more: { existed?: boolean },
): Promise<ExitCode> {
  const context = answer.headers.get("denamo-context") ?? undefined;
  const atLeast = answer.headers.get("denamo-at-least") ?? undefined;
  const siblings = Number(answer.headers.get("denamo-siblings") ?? 0);
  if (options.json) {
    await terminal.out(json({ ...keyView(key), context, atLeast, siblings, ...more }));
  } else if (siblings > 1) {
    await terminal.err(
      `Others wrote as well: key ${oneLineBytes(key)} has ${siblings} siblings; read it, and put ` +
        "what is right with the --context of that read",
    );
  }
  return EXIT_CODES.ok;
}

/** The bytes to store and their media type: what was typed is text, what was piped is just bytes. */
async function valueOf(
  { terminal, args, options }: ClientCall<PutOptions>,
): Promise<{ body: Uint8Array<ArrayBuffer>; type: string }> {
  const argument = args[1];
  const { file, jsonValue, text } = options;
  if (jsonValue && text) throw new UsageError("Give --json-value or --text, not both");
  if (file !== undefined && argument !== undefined) {
    throw new UsageError("Give a value or --file, not both");
  }
  const isTyped = argument !== undefined && argument !== "-";
  if (!isTyped && file === undefined && argument === undefined && terminal.isInputTerminal) {
    throw new UsageError("Give a value, - for standard input, or --file");
  }
  const body = isTyped
    ? utf8(argument)
    : file === undefined
    ? await terminal.readInput(LIMITS.value)
    : await readFile(file, terminal.baseDirectory);
  if (jsonValue) {
    checkJson(body);
    return { body, type: "application/json" };
  }
  if (!isTyped && !text) return { body, type: "application/octet-stream" };
  if (strictUtf8Text(body) === undefined) throw new UsageError("The value is not text in UTF-8");
  return { body, type: "text/plain; charset=utf-8" };
}

function checkJson(bytes: Uint8Array): void {
  try {
    JSON.parse(strictUtf8Text(bytes) ?? "");
  } catch (error) {
    throw new UsageError(`The value is not JSON: ${(error as Error).message}`);
  }
}

async function readFile(path: string, baseDirectory: string): Promise<Uint8Array<ArrayBuffer>> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(resolve(baseDirectory, path));
  } catch (error) {
    throw new UsageError(`Cannot read ${path}: ${messageOf(error)}`);
  }
  return await readAll(file.readable, LIMITS.value);
}

function keyOf({ args, options }: ClientCall<KeyOptions>): Uint8Array {
  const text = args[0]!;
  if (!options.keyBase64) return utf8(text);
  const key = fromBase64(text);
  if (key === undefined) throw new UsageError(`The key ${oneLine(text)} is not base64`);
  return key;
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}

function pathOf(key: Uint8Array): string {
  try {
    return keyPath(key);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function requestQuery(options: KeyOptions): Record<string, string | undefined> {
  return {
    strict: options.strict ? "true" : undefined,
    timeoutMs: options.timeoutMs?.toString(),
  };
}

/** A node that was told when to give up gets a little longer to say so. */
function patience({ timeoutMs }: KeyOptions): { timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + 5_000 };
}

function keyView(key: Uint8Array): { key: string } | { keyBase64: string } {
  const text = strictUtf8Text(key);
  return text === undefined ? { keyBase64: key.toBase64() } : { key: text };
}

function readView(answer: HttpAnswer): ReadView {
  if (answer.status === 300) return answer.exactJson();
  const type = answer.headers.get("content-type") ?? "application/octet-stream";
  const sibling: SiblingView = answer.mediaType === "application/json"
    ? { type, value: answer.exactJson() }
    : answer.mediaType.startsWith("text/")
    ? { type, value: answer.text() }
    : { type, base64: answer.body.toBase64() };
  const context = answer.headers.get("denamo-context");
  const expires = answer.headers.get("denamo-expires-at-ms");
  return {
    ...(context === null ? {} : { context }),
    ...(expires === null ? {} : { expiresAtMs: Number(expires) }),
    siblings: [sibling],
  };
}

function listing(key: Uint8Array, { context, siblings }: ReadView): string {
  const lines = siblings.map(({ type, value, base64 }, index) => {
    const shown = base64 !== undefined
      ? `base64:${base64}`
      : typeof value === "string" && type.startsWith("text/")
      ? oneLine(value)
      : JSON.stringify(value);
    return `${String(index + 1).padStart(3)}  ${type.split(";")[0]}  ${shown}`;
  });
  const title = `Key ${oneLineBytes(key)} has ${
    counted(siblings.length, "sibling")
  }, latest first:`;
  return [title, ...lines, `context ${context ?? ""}`].join("\n") + "\n";
}
