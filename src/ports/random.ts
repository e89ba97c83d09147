// Chance, as an argument.

/** A source of random numbers. */
export interface Random {
  /** An integer from 0 to 2^32 − 1, each as likely as the others. */
  uint32(): number;

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** An integer from 0 to `below` − 1. `below` is at most 2^32; the bias is below 2^-20 for small `below`. */
export function randomBelow(random: Random, below: number): number {
  return Math.floor((random.uint32() / 0x1_0000_0000) * below);
}
