// Zstandard, as the runtime has it.
//
// Deno 2.9 leaks up to some hundred kilobytes with each input that is no Zstandard (measured). So nothing is given to
// it that has not passed a checksum first, as records have.

import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compressor } from "../ports/compressor.ts";

export const zstd: Compressor = {
  compress: (bytes) => zstdCompressSync(bytes),
  decompress: (bytes, lengthBytes) => {
    return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, lengthBytes) });
  },
};
