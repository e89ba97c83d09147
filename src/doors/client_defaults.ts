// What the clients of a node may take together, unless its operator says otherwise.

export const CLIENT_DEFAULTS = {
  /** Connections: each has buffers of up to 34 KiB, so all together take no more than 140 MB. */
  maxClients: 4096,
  /**
   * Sixteen of the largest commands at once, or thousands of large values: much more than honest clients have under
   * way, and little for a process that keeps 64 MiB of objects in its cache anyway.
   */
  memoryBytes: 256 * 1024 * 1024,
} as const;
