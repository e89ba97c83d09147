// Zstandard, as the runtime has it.

import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compressor } from "../ports/compressor.ts";

export const zstd: Compressor = {
  compress: (bytes) => zstdCompressSync(bytes),
  decompress: (bytes, lengthBytes) => {
    return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, lengthBytes) });
  },
};
