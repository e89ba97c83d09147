// No module that reads bytes from outside is forgotten: each is fed by decoders_test.ts, or it says here why not.

import assert from "node:assert/strict";
import { DECODERS } from "./decoders.ts";

const SOURCE = new URL("../../src/", import.meta.url);

/** What a module does that reads bytes or texts: it opens a reader, parses, or offers to. */
const READS = new RegExp([
  String.raw`new (?:Byte|Store)Reader\(`,
  String.raw`JSON\.parse\(`,
  String.raw`\bdecoder\.decode\(`,
  String.raw`export class \w*(?:Parser|Reader)\b`,
  String.raw`export (?:async )?function (?:decode|parse|read|split)\w*(?:<[^>(]*>)?` +
  String.raw`\(\s*\w+: (?:Uint8Array|string|ByteReader|StoreReader|Arguments|readonly unknown\[\])`,
].join("|"));

/** By module, the decoder under test that reads through it. */
const FED: Readonly<Record<string, string>> = {
  "base/byte_reader.ts": "an object",
  "base/bytes.ts": "a cursor",
  "base/kv_key.ts": "a key of several parts",
  "base/msgpack_value.ts": "a MessagePack value as a program has it",
  "causality/context.ts": "a context",
  "causality/context_token.ts": "a sealed context",
  "causality/seal_key.ts": "the keys that contexts are sealed with",
  "coordinator/requests.ts": "a client request in a message",
  "crdt/causal_type.ts": "a set: a state",
  "crdt/counter_codec.ts": "a counter: a state",
  "crdt/dot_store.ts": "a set: a state",
  "crdt/dotted.ts": "a set: a state",
  "crdt/hyperloglog_codec.ts": "an object",
  "crdt/map.ts": "an object",
  "crdt/map_store.ts": "an object",
  "crdt/object_codec.ts": "an object",
  "crdt/object_delta.ts": "a change of an object",
  "crdt/operation_codec.ts": "an operation",
  "crdt/parts.ts": "an object in parts",
  "crdt/seen_vector.ts": "an object",
  "doors/http/chunks.ts": "a body in chunks",
  "doors/http/query.ts": "the query of a request",
  "doors/http/request_head.ts": "the head of a request",
  "doors/http/scan_cursor.ts": "a cursor",
  "doors/msgpack_json.ts": "a MessagePack value as JSON",
  "doors/resp/inline.ts": "a command in a line",
  "doors/resp/parser.ts": "commands of a Redis client",
  "host/cluster_note.ts": "what is noted of the cluster",
  "host/data_directory.ts": "the format of a data directory",
  "host/frames.ts": "frames in a stream",
  "host/greeting.ts": "the first frames of peers",
  "host/identity_watch.ts": "a sign of life",
  "host/run_note.ts": "how the run before ended",
  "membership/heartbeat.ts": "a heartbeat",
  "node/admission.ts": "what a node greets with",
  "node/incarnations.ts": "the incarnation of the run before",
  "node/layout_store.ts": "which first layouts a node has promised to take",
  "node/peer_book.ts": "members and their peers",
  "node/repair_messages.ts": "what operators are told of a repair",
  "node/set_aside_copies.ts": "for which time copies were set aside",
  "replica/filling_record.ts": "how far filling has come",
  "replica/floors.ts": "floors",
  "replica/namespace_table.ts": "a table of namespaces",
  "ring/layout_codec.ts": "a layout",
  "ring/zone.ts": "a heartbeat",
  "storage/journal_format.ts": "an entry of the journal",
  "storage/record.ts": "a record",
  "wire/message_codec.ts": "a message",
};

/** By module, why it is not fed here. */
const NOT_FED: Readonly<Record<string, string>> = {
  "cli/cluster_command.ts":
    "reads what the command itself has written, and ends if that is damaged",
  "cli/config.ts": "reads what an operator has written",
  "cli/http_client.ts": "reads what a node has answered to the command of an operator",
  "cli/kv_commands.ts": "reads what an operator has typed",
  "doors/http/json_body.ts": "reads from a socket: http_attack.ts feeds it through a live node",
  "doors/http/request_body.ts": "takes bytes in, and knows no format",
  "host/durable_files.ts": "takes bytes in, and knows no format",
  "host/set_aside.ts": "takes one text out of a note, and does without it",
  "storage/object_reader.ts": "fetches what storage/record.ts reads",
};

/** The modules below a directory of src that read. */
function readingModules(directory = ""): string[] {
  const url = new URL(directory, SOURCE);
  return [...Deno.readDirSync(url)].flatMap(({ isDirectory, name }) => {
    if (isDirectory) return readingModules(`${directory}${name}/`);
    return READS.test(Deno.readTextFileSync(new URL(name, url))) ? [directory + name] : [];
  });
}

Deno.test("every module that reads bytes is fed, or says why not", () => {
  const known = [...Object.keys(FED), ...Object.keys(NOT_FED)].sort();
  assert.deepEqual(readingModules().sort(), known);
});

Deno.test("a module is fed by a decoder that there is", () => {
  const names = new Set(DECODERS.map(({ name }) => name));
  assert.equal(names.size, DECODERS.length, "names are used once");
  for (const [module, name] of Object.entries(FED)) {
    assert.ok(names.has(name), `${module}: ${name}`);
  }
});
