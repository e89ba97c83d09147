// A request as a client makes it, and what others answer to its coordinator.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import type { Node } from "../../src/node/node.ts";
import { decodeMessage } from "../../src/wire/message_codec.ts";
import { KEY, type Request } from "./scenario.ts";

/** What a client is shown, with its context. */
export interface Shown {
  readonly values: string[];
  readonly token: string | undefined;
}

/** One request for the key of a small world. @throws {DenamoError} */
export async function ask(
  node: Node,
  kind: Request["kind"],
  value: string | undefined,
  context: string | undefined,
): Promise<Shown> {
  const key = utf8(KEY);
  switch (kind) {
    case "get": {
      const read = await node.get(key);
      return { values: read.siblings.map(({ bytes }) => utf8Text(bytes)), token: read.context() };
    }
    case "put": {
      const written = await node.put(key, { kind: "text", bytes: utf8(value!) }, { context });
      return { values: [value!], token: written.context() };
    }
    case "delete":
      await node.delete(key, { context });
      return { values: [], token: undefined };
  }
}

/** What an owner's answer to a read holds; every other message holds none. */
export function readAnswers(bytes: Uint8Array): (DataObject | undefined)[] {
  const message = decodeMessage(bytes);
  if (message.kind !== "answer" || message.result.length !== 1) return [];
  const [encoded] = message.result;
  return [encoded instanceof Uint8Array ? decodeObject(encoded.slice()) : undefined];
}
