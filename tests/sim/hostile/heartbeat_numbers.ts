// Heartbeats with numbers that no node would write: what encodes them in src/ refuses to.

import { ByteReader } from "../../../src/base/byte_reader.ts";
import { ByteWriter } from "../../../src/base/byte_writer.ts";

/** The numbers of a heartbeat in their order: those before its zone, and those behind its weight. */
const BEFORE_ZONE = ["incarnation", "sequence", "timeMs", "intervalMs"] as const;
const BEHIND_WEIGHT = ["layoutVersion", "layoutSynced", "layoutAcknowledged", "load"] as const;

export const HEARTBEAT_NUMBERS = [...BEFORE_ZONE, ...BEHIND_WEIGHT] as const;

export type HeartbeatNumber = typeof HEARTBEAT_NUMBERS[number];

/** The bytes of a heartbeat with some of its numbers replaced by others up to 2^53 − 1. */
export function withNumbers(
  bytes: Uint8Array,
  numbers: Partial<Record<HeartbeatNumber, number>>,
): Uint8Array<ArrayBuffer> {
  const reader = new ByteReader(bytes, "heartbeat");
  const writer = new ByteWriter(bytes.length + 64);
  const copy = (names: readonly HeartbeatNumber[]) => {
    for (const name of names) {
      const number = reader.integer();
      writer.integer(numbers[name] ?? number);
    }
  };
  // Version and flags, then the names of the node and of its peer.
  writer.raw(reader.raw(2));
  for (let i = 0; i < 2; i++) writer.text(reader.text());
  copy(BEFORE_ZONE);
  for (let i = 0; i < 2; i++) writer.text(reader.text());
  copy(BEHIND_WEIGHT);
  writer.raw(reader.raw(reader.remaining));
  return writer.finish();
}
