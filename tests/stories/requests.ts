// What a person of a story may ask of a node, read from words.

import { readAlteration } from "./alterations.ts";
import { readLevel, readTimeMs } from "./stage_setting.ts";
import type { Request } from "./people.ts";
import type { Stage } from "./stage.ts";

const GET = /^get (\S+)(?: at least what (\w+) saw(?: of (\S+))?)?$/;
const PUT = /^put (\S+) = "([^"]*)"(?: with what (\w+) saw(?: of (\S+))?)?$/;
const DELETE = /^delete (\S+)(?: with what (\w+) saw(?: of (\S+))?)?$/;

/**
 * Reads a request such as `put cart = "milk" with what ann saw, w one`.
 *
 * @throws {SyntaxError}
 */
export function readRequest(stage: Stage, text: string): Request {
  const [what, ...clauses] = text.split(/, (?=[rw] |within )/);
  const request = readKind(stage, what!);
  let { level, timeoutMs } = request;
  for (const clause of clauses) {
    const [, letter, word] = /^([rw]) (\w+)$/.exec(clause) ?? [];
    const [, time] = /^within (\d+ m?s)$/.exec(clause) ?? [];
    if (letter !== undefined && letter === (request.kind === "get" ? "r" : "w")) {
      level = readLevel(word!);
    } else if (time !== undefined) {
      timeoutMs = readTimeMs(time);
    } else {
      throw new SyntaxError(`Cannot read "${clause}" of a ${request.kind}`);
    }
  }
  return { ...request, level, timeoutMs };
}

function readKind(stage: Stage, text: string): Request {
  const plain = {
    value: undefined,
    alteration: undefined,
    level: undefined,
    timeoutMs: undefined,
    knowing: undefined,
  };
  const altered = readAlteration(text);
  if (altered !== undefined) {
    const { alteration, key, person } = altered;
    return { ...plain, kind: "update", key, alteration, knowing: known(stage, person, key) };
  }
  const [, read, reader, ofOther] = GET.exec(text) ?? [];
  if (read !== undefined) {
    return { ...plain, kind: "get", key: read, knowing: known(stage, reader, ofOther ?? read) };
  }
  const [, deleted, who, ofKey] = DELETE.exec(text) ?? [];
  if (deleted !== undefined) {
    return { ...plain, kind: "delete", key: deleted, knowing: known(stage, who, ofKey ?? deleted) };
  }
  const [, key, value, person, other] = PUT.exec(text) ?? [];
  if (key === undefined) throw new SyntaxError(`Cannot read the request "${text}"`);
  if (stage.values.has(value!)) {
    throw new SyntaxError(`"${value}" is written twice: every value has one write`);
  }
  stage.values.add(value!);
  return { ...plain, kind: "put", key, value, knowing: known(stage, person, other ?? key) };
}

function known(stage: Stage, person: string | undefined, key: string): Request["knowing"] {
  if (person === undefined) return undefined;
  const knowledge = stage.people.known(person, key);
  if (knowledge === undefined) throw new SyntaxError(`${person} has seen nothing of ${key}`);
  return knowledge;
}
