// Makes bytes fewer: handed in, since the code above the ports names no library of the runtime.

export interface Compressor {
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * Gives back what was compressed.
   *
   * @param lengthBytes how many bytes that were; no more are made
   * @throws if these are no compressed bytes, or of more than so many
   */
  decompress(bytes: Uint8Array, lengthBytes: number): Uint8Array;
}
