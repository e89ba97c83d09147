// Operations on values that merge, as they travel to the node that coordinates them: without dots, and without
// what the client has seen, which is the context of the request.
//
//   operation   := place in TYPE_NAMES | body
//   counter     := sign | amount | 0, or 1 | session | number | end in milliseconds
//   set         := 0 to add, 1 to remove | elements
//   map         := 0 | key | operation, or 1 | keys to remove
//   flag        := 0 off, 1 on
//   register    := kind | bytes
//   max, min    := a number in eight bytes, IEEE 754
//   hyperloglog := 0 | elements, or 1 | registers to merge, as in hyperloglog_codec.ts
//   document    := update of Yjs
//
// Lists have their count first, bytes their length.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { TYPE_NAMES } from "./contract.ts";
import { readRegisters, writeRegisters } from "./hyperloglog_codec.ts";
import { type NestedOperation, NESTING_MAX } from "./map.ts";
import { SESSION_MAX } from "./operation_id.ts";
import { VALUE_KINDS } from "./value.ts";

export function encodeOperation(operation: NestedOperation): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  write(writer, operation);
  return writer.finish();
}

/** The operation as it was given; its bytes are views. @throws {MalformedError} */
export function decodeOperation(bytes: Uint8Array): NestedOperation {
  const reader = new ByteReader(bytes, "operation");
  const operation = read(reader, 0);
  reader.end();
  return operation;
}

function write(writer: ByteWriter, { operation, type }: NestedOperation): void {
  writer.byte(TYPE_NAMES.indexOf(type));
  switch (type) {
    case "counter":
      writer.byte(operation.amount < 0 ? 1 : 0);
      writer.integer(Math.abs(operation.amount));
      writer.byte(operation.id === undefined ? 0 : 1);
      if (operation.id === undefined) return;
      writer.text(operation.id.session);
      writer.integer(operation.id.number);
      return writer.integer(operation.id.untilMs);
    case "set":
      writer.byte(operation.kind === "add" ? 0 : 1);
      return writeList(writer, operation.elements);
    case "map":
      writer.byte(operation.kind === "update" ? 0 : 1);
      if (operation.kind === "remove") return writeList(writer, operation.keys);
      writer.bytes(operation.key);
      return write(writer, operation.nested);
    case "flag":
      return writer.byte(operation.kind === "enable" ? 1 : 0);
    case "register":
      writer.byte(VALUE_KINDS.indexOf(operation.value.kind));
      return writer.bytes(operation.value.bytes);
    case "max":
    case "min": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, operation.value);
      return writer.raw(bytes);
    }
    case "hyperloglog":
      writer.byte(operation.kind === "add" ? 0 : 1);
      if (operation.kind === "add") return writeList(writer, operation.elements);
      return writeRegisters(writer, operation.registers);
    case "document":
      return writer.bytes(operation.update);
  }
}

function read(reader: ByteReader, depth: number): NestedOperation {
  if (depth > NESTING_MAX) throw reader.malformed("maps are nested too deep");
  const type = TYPE_NAMES[reader.byte()];
  const seen = undefined;
  switch (type) {
    case "counter": {
      const isNegative = flag(reader);
      const size = reader.integer();
      if (isNegative && size === 0) throw reader.malformed("an amount has no sign");
      const amount = isNegative ? -size : size;
      const id = flag(reader)
        ? { session: reader.text(), number: reader.integer(), untilMs: reader.integer() }
        : undefined;
      if (id !== undefined && id.session.length > SESSION_MAX) {
        throw reader.malformed("a session is too long");
      }
      return { type, operation: { kind: "add", amount, id } };
    }
    case "set": {
      const isRemoval = flag(reader);
      const elements = readList(reader);
      if (isRemoval) return { type, operation: { kind: "remove", elements, seen } };
      return { type, operation: { kind: "add", elements } };
    }
    case "map": {
      if (flag(reader)) {
        return { type, operation: { kind: "remove", keys: readList(reader), seen } };
      }
      const key = reader.bytes();
      return { type, operation: { kind: "update", key, nested: read(reader, depth + 1) } };
    }
    case "flag":
      return flag(reader)
        ? { type, operation: { kind: "enable" } }
        : { type, operation: { kind: "disable", seen } };
    case "register": {
      const kind = VALUE_KINDS[reader.byte()];
      if (kind === undefined) throw reader.malformed("the kind of a value is unknown");
      return { type, operation: { kind: "set", value: { kind, bytes: reader.bytes() } } };
    }
    case "max":
    case "min": {
      const bytes = reader.raw(8);
      const value = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0);
      // What is not a number can be written in many ways, and is refused where it comes in.
      if (!Number.isFinite(value)) throw reader.malformed("a number is infinite, or none");
      return { type, operation: { kind: "put", value } };
    }
    case "hyperloglog":
      return flag(reader)
        ? { type, operation: { kind: "merge", registers: readRegisters(reader) } }
        : { type, operation: { kind: "add", elements: readList(reader) } };
    case "document":
      return { type, operation: { kind: "edit", update: reader.bytes().slice() } };
    default:
      throw reader.malformed("the type of an operation is unknown");
  }
}

function flag(reader: ByteReader): boolean {
  const byte = reader.byte();
  if (byte > 1) throw reader.malformed(`${byte} is neither 0 nor 1`);
  return byte === 1;
}

function writeList(writer: ByteWriter, list: readonly Uint8Array[]): void {
  writer.integer(list.length);
  for (const bytes of list) writer.bytes(bytes);
}

function readList(reader: ByteReader): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let left = reader.count(); left > 0; left--) list.push(reader.bytes());
  return list;
}
