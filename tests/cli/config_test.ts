import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ConfigError,
  type ConfigSources,
  flagName,
  readClusterConfig,
  readNodeConfig,
  unknownVariables,
  variableName,
} from "../../src/cli/config.ts";
import { NODE_SETTINGS } from "../../src/cli/settings.ts";

Deno.test("readNodeConfig() takes a flag before a variable, and a variable before the config file", () => {
  const config = readNodeConfig(sources({
    flags: { name: "n1", config: "denamo.json" },
    environment: { DENAMO_ZONE: "dc2", DENAMO_NAME: "n2", DENAMO_JOIN: "" },
    files: {
      "/home/ada/denamo.json": {
        name: "n3",
        zone: "dc3/rack1",
        weight: 2.5,
        data: "store",
        join: ["/ip4/10.0.0.1/tcp/7101"],
        namespaces: [{ prefix: "cart:", n: 3, w: "all" }],
      },
    },
  }));
  assert.deepEqual(config, {
    name: "n1",
    zone: "dc2",
    weight: 2.5,
    data: "/home/ada/store",
    join: ["/ip4/10.0.0.1/tcp/7101"],
    namespaces: [{ prefix: "cart:", n: 3, w: "all" }],
  });
});

Deno.test("every mistake of every source is listed, with what is there and what may be there", () => {
  const mistakes = mistakesOf(() =>
    readNodeConfig(sources({
      flags: {
        http: "7301",
        join: ["/ip4/10.0.0.1/tcp/7101,/ip4/10.0.0.1/udp/1"],
        config: "c.json",
      },
      leftover: ["--htpp", "surplus"],
      environment: { DENAMO_PARTITIONS: "1000", DENAMO_STRICT: "maybe" },
      files: {
        "/home/ada/c.json": {
          name: "two words",
          zone: 7,
          nmae: "n1",
          listen: "/ip4/0.0.0.0/tcp/7101",
          namespaces: [{ prefix: "a", n: 0, colour: "red" }, { n: 2, r: "two" }],
        },
      },
    }))
  );
  assert.deepEqual(mistakes, [
    "--htpp is no option of denamo node",
    '"surplus" is given, but denamo node takes options only',
    "/home/ada/c.json: nmae is no option of denamo node",
    '/home/ada/c.json: name is "two words", but must be 1 to 64 letters, digits, dots, dashes or ' +
    "underscores, the first a letter or digit",
    "/home/ada/c.json: zone is 7, but must be a datacentre or datacentre/rack, like dc1/rack1",
    '/home/ada/c.json: listen is "/ip4/0.0.0.0/tcp/7101", but must be a list of texts',
    "/home/ada/c.json: namespaces[0].n is 0, but must be a whole number from 1 to 16",
    "/home/ada/c.json: namespaces[0].colour is no option of a namespace",
    "/home/ada/c.json: namespaces[1].prefix is missing",
    '/home/ada/c.json: namespaces[1].r is "two", but must be one, quorum, all, or a whole number ' +
    "from 1 to 16",
    "DENAMO_PARTITIONS is 1000, but must be a power of two from 256 to 16384",
    'DENAMO_STRICT is "maybe", but must be true or false',
    '--join[1] is "/ip4/10.0.0.1/udp/1", but must be a TCP multiaddr, like ' +
    "/ip4/127.0.0.1/tcp/7101 or /dns/a.example/tcp/7101",
    '--http is "7301", but must be host:port, like 127.0.0.1:7301 or [::1]:7301',
  ]);
});

Deno.test("every valid configuration round trips through flags, variables and the config file", () => {
  fc.assert(fc.property(validConfig(), (values) => {
    const expected = { ...values, data: values.data ?? `/home/ada/data/${values.name}` };
    const { namespaces, ...texts } = values;
    const rest = namespaces === undefined ? {} : { namespaces };
    const files = { "/home/ada/c.json": rest };

    const flags = Object.fromEntries(
      Object.entries(texts).map(([key, value]) => [
        key,
        Array.isArray(value) ? value : typeof value === "boolean" ? value : String(value),
      ]),
    );
    assert.deepEqual(
      readNodeConfig(sources({ flags: { ...flags, config: "c.json" }, files })),
      expected,
    );

    const environment = Object.fromEntries(
      Object.entries(texts).map(([key, value]) => [variableName(key), String(value)]),
    );
    environment["DENAMO_CONFIG"] = "c.json";
    assert.deepEqual(readNodeConfig(sources({ environment, files })), expected);

    const whole = { "/home/ada/c.json": values };
    assert.deepEqual(
      readNodeConfig(sources({ flags: { config: "c.json" }, files: whole })),
      expected,
    );
  }));
});

Deno.test("a missing name is a mistake, and so is a wrong one, but never both", () => {
  assert.match(mistakesOf(() => readNodeConfig(sources({})))[0] ?? "", /^--name is missing/);
  const wrong = mistakesOf(() => readNodeConfig(sources({ flags: { name: "-" } })));
  assert.equal(wrong.length, 1);
  assert.match(wrong[0]!, /^--name is "-"/);
});

Deno.test("a config file that is missing, no JSON or no object is named", () => {
  const read = (files: Record<string, unknown>) =>
    mistakesOf(() => readNodeConfig(sources({ flags: { name: "n1", config: "c.json" }, files })));
  assert.match(read({})[0]!, /^Config file \/home\/ada\/c.json cannot be used: No such file/);
  assert.match(read({ "/home/ada/c.json": "{" })[0]!, /cannot be used: .*JSON/);
  assert.match(read({ "/home/ada/c.json": [] })[0]!, /does not hold a JSON object/);
});

Deno.test("settings that are impossible together are mistakes", () => {
  const mistakes = mistakesOf(() =>
    readNodeConfig(sources({
      flags: {
        name: "n1",
        r: "4",
        replication: "3",
        http: "[::1]:70",
        resp: "[::1]:70",
        config: "c",
      },
      files: {
        "/home/ada/c": {
          namespaces: [{ prefix: "a", n: 2, w: 3 }, { prefix: "a" }, { prefix: "\x1edb3\x1ea" }],
        },
      },
    }))
  );
  assert.deepEqual(mistakes, [
    "r is 4, but there are only 3 copies",
    'namespace "a": w is 3, but there are only 2 copies',
    'namespace "a" is there twice',
    'namespace "\\u001edb3\\u001ea" is that of one database, but is for the keys of all',
    "http and resp are both [::1]:70, but each needs a port of its own",
  ]);
});

Deno.test("one config file serves a local cluster and its nodes", () => {
  const files = { "/home/ada/c.json": { nodes: 5, portBase: 8000, r: "one" } };
  const cluster = readClusterConfig(sources({ flags: { config: "c.json" }, files }));
  assert.deepEqual(cluster, {
    nodes: 5,
    portBase: 8000,
    r: "one",
    data: "/home/ada/data",
    configPath: "/home/ada/c.json",
  });
  const node = readNodeConfig(sources({ flags: { name: "n1", config: "c.json" }, files }));
  assert.deepEqual(node, { name: "n1", r: "one", data: "/home/ada/data/n1" });
});

Deno.test("what a local cluster decides for each node is a mistake in its config file", () => {
  const files = { "/home/ada/c.json": { http: "127.0.0.1:1" } };
  const mistakes = mistakesOf(() =>
    readClusterConfig(sources({ flags: { config: "c.json" }, files }))
  );
  assert.deepEqual(mistakes, ["/home/ada/c.json: http is decided by denamo cluster for each node"]);
});

Deno.test("flags and variables are named after their keys", () => {
  assert.equal(flagName("maxClockSkewMs"), "--max-clock-skew-ms");
  assert.equal(variableName("maxClockSkewMs"), "DENAMO_MAX_CLOCK_SKEW_MS");
  assert.equal(flagName("r"), "--r");
});

function sources(
  given: Partial<Omit<ConfigSources, "readTextFile">> & { files?: Record<string, unknown> },
): ConfigSources {
  const { files = {}, ...rest } = given;
  return {
    flags: {},
    leftover: [],
    environment: {},
    baseDirectory: "/home/ada",
    readTextFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new Deno.errors.NotFound("No such file or directory");
      return typeof content === "string" ? content : JSON.stringify(content);
    },
    ...rest,
  };
}

function mistakesOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  throw new assert.AssertionError({ message: "The configuration was accepted" });
}

/** Configurations of a node, with every setting present or absent. */
function validConfig(): fc.Arbitrary<Record<string, unknown> & { name: string; data?: string }> {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
  const port = fc.integer({ min: 0, max: 65_535 });
  const multiaddr = fc.tuple(fc.ipV4(), port).map(([host, port]) => `/ip4/${host}/tcp/${port}`);
  const level = fc.oneof(fc.constantFrom("one", "quorum", "all"), fc.integer({ min: 1, max: 16 }));
  const addresses = fc.array(multiaddr, { minLength: 1, maxLength: 4 });
  const namespace = fc.record({
    prefix: fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }),
    n: fc.constant(16),
    r: level,
    w: level,
    strict: fc.boolean(),
    timeoutMs: fc.integer({ min: 1, max: 60_000 }),
    conflicts: fc.constantFrom("siblings", "lww"),
  }, { requiredKeys: ["prefix"], noNullPrototype: true });
  const settings = {
    name,
    data: fc.stringMatching(/^\/[a-z]{1,20}$/),
    cluster: name,
    listen: addresses,
    announce: addresses,
    join: addresses,
    http: port.map((port) => `[::1]:${port}`),
    resp: port.map((port) => `localhost:${port}`),
    zone: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}(\/[A-Za-z0-9._-]{1,64})?$/),
    weight: fc.integer({ min: 1, max: 1000 }).map((tenths) => tenths / 10),
    partitions: fc.integer({ min: 8, max: 14 }).map((power) => 2 ** power),
    replication: fc.constant(16),
    r: level,
    w: level,
    strict: fc.boolean(),
    timeoutMs: fc.integer({ min: 1, max: 60_000 }),
    namespaces: fc.uniqueArray(namespace, { selector: ({ prefix }) => prefix, maxLength: 3 }),
    maxClockSkewMs: fc.integer({ min: 10, max: 3_600_000 }),
    heartbeatMs: fc.integer({ min: 50, max: 60_000 }),
    forgetAfterMs: fc.integer({ min: 60_000, max: 31_536_000_000 }),
    maxAbsenceMs: fc.integer({ min: 60_000, max: 31_536_000_000 }),
    cacheBytes: fc.integer({ min: 0, max: 2 ** 40 }),
    maxClients: fc.integer({ min: 1, max: 1_000_000 }),
    clientMemoryBytes: fc.integer({ min: 2 ** 20, max: 2 ** 40 }),
    logLevel: fc.constantFrom("debug", "info", "warning", "error"),
    logJson: fc.boolean(),
    setAsideDamaged: fc.boolean(),
  };
  assert.deepEqual(Object.keys(settings).sort(), Object.keys(NODE_SETTINGS).sort());
  return fc.record(settings, { requiredKeys: ["name"], noNullPrototype: true });
}

Deno.test("unknownVariables() warns of what looks like Denamo's, and names what may have been meant", () => {
  assert.equal(unknownVariables({ PATH: "/bin", DENAMO_NAME: "n1", DENAMO_URL: "x" }), undefined);
  // As Kubernetes sets them for a service of this name.
  const environment = {
    DENAMO_PORT: "tcp://10.0.0.1:7301",
    DENAMO_SERVICE_HOST: "10.0.0.1",
    DENAMO_WIEGHT: "2",
  };
  assert.equal(
    unknownVariables(environment),
    "Warning: not variables of Denamo, and passed over: DENAMO_PORT, DENAMO_SERVICE_HOST, " +
      "DENAMO_WIEGHT (DENAMO_WEIGHT?)",
  );
  assert.equal(readNodeConfig(sources({ flags: { name: "n1" }, environment })).name, "n1");
});
