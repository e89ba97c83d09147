// Nodes on this machine are reached directly, whatever proxy the environment names.
//
// A proxy knows another loopback than ours. curl has its own list of hosts to spare and most people have never set
// it, so a command that goes through the proxy would find no node though one runs beside it.

const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

/** Adds the loopback to the hosts that no request of this process sends through a proxy. */
export function goDirectToLoopback(environment: Pick<typeof Deno.env, "get" | "set">): void {
  const names = ["NO_PROXY", "no_proxy"];
  const spared = names.flatMap((name) => environment.get(name)?.split(",") ?? []);
  const list = [...new Set([...spared, ...LOOPBACK])].filter((host) => host !== "").join(",");
  for (const name of names) environment.set(name, list);
}
