import assert from "node:assert/strict";
import { checkSize, planCluster } from "../../src/cli/cluster_plan.ts";
import { type ClusterConfig, readNodeConfig } from "../../src/cli/config.ts";
import { UsageError } from "../../src/cli/report.ts";

const CONFIG: ClusterConfig = { nodes: 3, data: "/data", portBase: 7100 };

Deno.test("planCluster() gives every node its ports, its directory and all others to join", () => {
  const plan = planCluster({ ...CONFIG, replication: 2, strict: false, logJson: true });
  assert.deepEqual(plan.map(({ name }) => name), ["n1", "n2", "n3"]);
  const { data, ports, url, args } = plan[1]!;
  assert.deepEqual(ports, { p2p: 7102, resp: 7202, http: 7302 });
  assert.deepEqual([data, url], ["/data/n2", "http://127.0.0.1:7302"]);
  assert.equal(
    args.join(" "),
    "node --name n2 --listen /ip4/127.0.0.1/tcp/7102 --join /ip4/127.0.0.1/tcp/7101 " +
      "--join /ip4/127.0.0.1/tcp/7103 --data /data/n2 --http 127.0.0.1:7302 " +
      "--resp 127.0.0.1:7202 --replication 2 --no-strict --log-json --log-level warning",
  );
});

Deno.test("a planned command line is a valid configuration of a node", () => {
  const { args } = planCluster({ ...CONFIG, r: 2, w: "all", logLevel: "debug" })[0]!;
  const flags: Record<string, unknown> = {};
  for (let at = 1; at < args.length; at += 2) {
    const key = args[at]!.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    flags[key] = key === "join" ? [...(flags[key] as string[] ?? []), args[at + 1]] : args[at + 1];
  }
  const config = readNodeConfig({
    flags,
    leftover: [],
    environment: {},
    baseDirectory: "/",
    readTextFile: () => "",
  });
  assert.deepEqual(config, {
    name: "n1",
    listen: ["/ip4/127.0.0.1/tcp/7101"],
    join: ["/ip4/127.0.0.1/tcp/7102", "/ip4/127.0.0.1/tcp/7103"],
    data: "/data/n1",
    http: "127.0.0.1:7301",
    resp: "127.0.0.1:7201",
    r: 2,
    w: "all",
    logLevel: "debug",
  });
});

Deno.test("the nodes get the cluster's config file, whose path is absolute", () => {
  const [first] = planCluster({ ...CONFIG, configPath: "/home/ada/c.json" });
  assert.match(first!.args.join(" "), / --config \/home\/ada\/c\.json$/);
});

Deno.test("checkSize() refuses data of another number of nodes and says how many there are", () => {
  checkSize(CONFIG, [], undefined);
  checkSize(CONFIG, ["n1", "n2", "n3", "notes.txt", "n04"], undefined);
  checkSize(CONFIG, ["n1"], 3);
  const sizes: [string[], number | undefined, RegExp][] = [
    [["n1"], undefined, /^\/data holds the data of 1 node, not of 3: start with --nodes 1, or/],
    [["n1", "n10"], undefined, /holds the data of 10 nodes, not of 3/],
    [["n1", "n2", "n3"], 5, /holds the data of 5 nodes, not of 3/],
  ];
  for (const [found, recorded, message] of sizes) {
    assert.throws(() => checkSize(CONFIG, found, recorded), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});
