// Damage: what becomes of bytes that a decoder would read.

import type { SeededRandom } from "../../src/base/seeded_random.ts";
import { below, edgeNumber, oneOf } from "./sample_objects.ts";

/** Numbers as our formats write them. */
function groupsOf(value: number): number[] {
  const groups: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) groups.push(value % 128 | 128);
  return [...groups, value];
}

/** Another few bytes than these, one time in ten the same. */
export function damaged(bytes: Uint8Array, random: SeededRandom): Uint8Array<ArrayBuffer> {
  const at = below(random, bytes.length + 1);
  const other = bytes.slice();
  switch (below(random, 10)) {
    case 0:
      return other;
    case 1:
      return other.slice(0, at);
    case 2:
      return Uint8Array.from([...bytes, ...random.bytes(1 + below(random, 8))]);
    case 3: {
      // A number, or what stands where one was, becomes one at an edge.
      const rest = bytes.subarray(Math.min(bytes.length, at + 1 + below(random, 4)));
      return Uint8Array.from([...bytes.subarray(0, at), ...groupsOf(edgeNumber(random)), ...rest]);
    }
    case 4: {
      const end = Math.min(bytes.length, at + below(random, 12));
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
    }
    case 5: {
      const piece = bytes.subarray(at, at + below(random, 12));
      return Uint8Array.from([...bytes.subarray(0, at), ...piece, ...bytes.subarray(at)]);
    }
    case 6:
      other.fill(oneOf(random, [0, 0x7f, 0x80, 0x91, 0xdd, 0xff]), at, at + below(random, 9));
      return other;
    case 7:
      return random.bytes(below(random, 60));
    default:
      for (let flips = 1 + below(random, 3); flips > 0 && other.length > 0; flips--) {
        other[below(random, other.length)]! ^= 1 << below(random, 8);
      }
      return other;
  }
}
