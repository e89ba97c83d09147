import assert from "node:assert/strict";
import {
  GONE_MS,
  type Heard,
  MembershipOracle,
  MOST_HEARTBEATS,
  type Opinion,
  type Published,
  type Sight,
} from "./membership.ts";

const NAMES = ["n1", "n2", "n3"];

/** Three machines that go on as they are from look to look, until a test says otherwise. */
class MadeDays {
  readonly oracle = new MembershipOracle();
  readonly problems: string[] = [];
  isHealed = false;
  nowMs = 0;
  /** What is not as it is on a good day, by machine. */
  readonly differing = new Map<string, Partial<Sight>>();
  /** Whose heartbeats arrive at nobody. */
  readonly silent = new Set<string>();
  /** What is thought of others otherwise than on a good day: `n1 n3` is what n1 thinks of n3. */
  readonly opinions = new Map<string, Partial<Opinion> | undefined>();
  readonly #heard = new Map(NAMES.map((name) => [name, new Map<string, Heard>()]));

  pass(seconds: number): string[] {
    for (let i = 0; i < seconds; i++) {
      this.nowMs += 1_000;
      for (const from of NAMES) {
        for (const to of NAMES) if (from !== to && !this.silent.has(from)) this.heartbeat(from, to);
      }
      this.look();
    }
    return this.problems;
  }

  look(): void {
    const sights = NAMES.map((name) => this.#sightOf(name));
    this.problems.push(...this.oracle.look(sights, this.isHealed, this.nowMs));
  }

  heartbeat(from: string, to: string): void {
    const wordAtMs = this.#heard.get(to)!.get(`${from}-1`)?.wordAtMs ?? -Infinity;
    this.#heard.get(to)!.set(`${from}-1`, { wordAtMs, heartbeatAtMs: this.nowMs });
  }

  says(from: string, to: string): void {
    const heartbeatAtMs = this.#heard.get(to)!.get(`${from}-1`)?.heartbeatAtMs ?? -Infinity;
    this.#heard.get(to)!.set(`${from}-1`, { wordAtMs: this.nowMs, heartbeatAtMs });
  }

  /** Its process ends. */
  ends(name: string): void {
    this.differing.set(name, { state: "ended", says: undefined });
    this.silent.add(name);
  }

  thinks(by: string, node: string, opinion: Partial<Opinion> | undefined): void {
    this.opinions.set(`${by} ${node}`, opinion);
  }

  doubts(name: string): void {
    this.differing.set(name, { says: { ...this.#sightOf(name).says!, isInDoubt: true } });
  }

  #sightOf(name: string): Sight {
    const others = NAMES.filter((other) => other !== name).flatMap((node): Opinion[] => {
      const key = `${name} ${node}`;
      const usual: Opinion = {
        node,
        peerId: `${node}-1`,
        state: "up",
        stateForMs: 500,
        incarnation: 7,
      };
      if (!this.opinions.has(key)) return [usual];
      const opinion = this.opinions.get(key);
      return opinion === undefined ? [] : [{ ...usual, ...opinion }];
    });
    return {
      name,
      peerId: `${name}-1`,
      state: "running",
      life: "1 0",
      isMute: false,
      cutCount: 0,
      heard: this.#heard.get(name)!,
      says: { incarnation: 7, isInDoubt: false, others },
      ...this.differing.get(name),
    };
  }
}

const GONE_S = GONE_MS / 1_000;

function heartbeat(run: number, incarnation: number, disk = -1): Published {
  return { node: "n1", run, disk, incarnation };
}

Deno.test("nothing is wrong with machines that run and know each other", () => {
  const days = new MadeDays();
  days.pass(60);
  days.isHealed = true;
  assert.deepEqual(days.pass(60), []);
});

Deno.test("a machine that is dead, stands still or reaches nobody must be called down in time", () => {
  const ways: [string, Partial<Sight>][] = [
    ["dead", { state: "ended", says: undefined }],
    ["paused", { state: "paused", life: "1 1", says: undefined }],
    ["mute", { isMute: true, cutCount: 2 }],
  ];
  for (const [way, differing] of ways) {
    for (const state of ["up", "suspect", "down"] as const) {
      const days = new MadeDays();
      days.pass(5);
      days.silent.add("n3");
      days.differing.set("n3", differing);
      days.thinks("n1", "n3", { state });
      days.thinks("n2", "n3", { state: "down" });
      assert.deepEqual(days.pass(GONE_S), [], `${way}, ${state}: too early`);
      const wrong = state === "down" ? [] : [
        `n1 does not call n3 down, which has been gone for 15000 ms: it is ${state}`,
      ];
      assert.deepEqual(days.pass(5), wrong, way);
    }
  }
});

Deno.test("time in which it came back, was heard, or nobody could tell does not count", () => {
  const breaks: [string, (days: MadeDays) => void][] = [
    [
      "it ran",
      (days) => days.differing.set("n3", { state: "ended", life: "2 0", says: undefined }),
    ],
    ["it was heard", (days) => days.heartbeat("n3", "n2")],
    ["n1 stood still", (days) => days.differing.set("n1", { life: "1 1" })],
    ["n1 was alone", (days) => {
      days.silent.add("n2");
      days.pass(3);
      days.silent.delete("n2");
    }],
  ];
  for (const [what, happens] of breaks) {
    const days = new MadeDays();
    days.pass(5);
    days.ends("n3");
    days.thinks("n1", "n3", { state: "suspect" });
    days.thinks("n2", "n3", { state: "down" });
    days.pass(10);
    happens(days);
    assert.deepEqual(days.pass(GONE_S - 1), [], what);
    assert.equal(days.pass(3).length, 1, what);
  }
});

Deno.test("who has never been heard of is down to a node", () => {
  const days = new MadeDays();
  days.ends("n3");
  for (const name of ["n1", "n2"]) days.thinks(name, "n3", undefined);
  assert.deepEqual(days.pass(2 * GONE_S), []);
});

Deno.test("who has just spoken to a node is not down to it", () => {
  const days = new MadeDays();
  days.pass(5);
  days.thinks("n1", "n3", { state: "down" });
  assert.deepEqual(days.pass(5), [], "it has not spoken");
  days.says("n3", "n1");
  days.nowMs += 300;
  days.look();
  assert.deepEqual(days.problems, [], "it is not judged yet");
  days.nowMs += 700;
  days.look();
  assert.deepEqual(days.problems, ["n1 calls n3 down, which has spoken to it 1000 ms ago"]);
});

Deno.test("what was said to an earlier run of a node does not count", () => {
  const days = new MadeDays();
  days.pass(5);
  days.says("n3", "n1");
  days.differing.set("n1", { life: "2 0" });
  days.thinks("n1", "n3", { state: "down" });
  assert.deepEqual(days.pass(1), []);
});

Deno.test("once all is healed nobody is down, long suspect or in doubt", () => {
  const cases: [Partial<Opinion>, string[]][] = [
    [{ state: "down" }, ["All is healed, and n1 calls n3 down"]],
    [{ state: "suspect", stateForMs: 2_900 }, []],
    [{ state: "suspect", stateForMs: 3_100 }, ["All is healed, and n1 suspects n3"]],
  ];
  for (const [opinion, wrong] of cases) {
    const days = new MadeDays();
    days.thinks("n1", "n3", opinion);
    assert.deepEqual(days.pass(10), [], "not yet healed");
    days.isHealed = true;
    assert.deepEqual(days.pass(10), wrong);
  }
  const days = new MadeDays();
  days.doubts("n2");
  assert.deepEqual(days.pass(10), []);
  days.isHealed = true;
  assert.ok(days.pass(1).includes("All is healed, and n2 doubts itself"));
});

Deno.test("once all is healed all know the same nodes as the same peers under the same incarnations", () => {
  const cases: [Partial<Opinion> | undefined, string][] = [
    [undefined, "All is healed, and n1 does not know n3"],
    [{ peerId: "n3-9" }, "All is healed, and n1 knows n3 as peer n3-9, which is n3-1"],
    [{ incarnation: 6 }, "All is healed, and n1 knows n3 under incarnation 6, which is 7"],
    [{ incarnation: 8 }, "All is healed, and n1 knows n3 under incarnation 8, which is 7"],
    [{ node: "n9" }, "All is healed, and n1 knows n9, which is nobody"],
  ];
  for (const [opinion, wrong] of cases) {
    const days = new MadeDays();
    days.thinks("n1", "n3", opinion);
    assert.deepEqual(days.pass(10), [], "not yet healed");
    days.isHealed = true;
    assert.ok(days.pass(10).includes(wrong), wrong);
  }
});

Deno.test("a node does not remember a lower incarnation than before", () => {
  const days = new MadeDays();
  days.pass(2);
  days.thinks("n1", "n3", { incarnation: 6 });
  assert.deepEqual(days.pass(2), ["n1 knows n3 under incarnation 6, and knew it under 7"]);
});

Deno.test("a run on the disk of the run before begins with a higher incarnation", () => {
  const began = (...runs: Published[]) => {
    const oracle = new MembershipOracle();
    return runs.flatMap((sent) => oracle.published(sent, 0));
  };
  assert.deepEqual(began(heartbeat(1, 7), heartbeat(1, 7), heartbeat(2, 8)), []);
  assert.deepEqual(began(heartbeat(1, 7), heartbeat(2, 7)), [
    "Run 2 of n1 begins with incarnation 7, and run 1 before it with 7",
  ]);
  assert.deepEqual(began(heartbeat(1, 7), heartbeat(2, 5, 99)), [], "another disk knows nothing");
  assert.deepEqual(
    began(heartbeat(1, 7), heartbeat(1, 9), heartbeat(2, 8)),
    [],
    "it was told of 8",
  );
});

Deno.test("two runs of a node are not heard under one incarnation", () => {
  const oracle = new MembershipOracle();
  assert.deepEqual(oracle.arrived(heartbeat(1, 7)), []);
  assert.deepEqual(oracle.arrived(heartbeat(1, 7)), []);
  assert.deepEqual(oracle.arrived({ ...heartbeat(2, 7), node: "n2" }), []);
  assert.deepEqual(oracle.arrived(heartbeat(3, 7, 99)), [
    "Runs 1 and 3 of n1 are heard under one incarnation, 7",
  ]);
});

Deno.test("heartbeats are published in their rhythm and seldom out of turn", () => {
  const oracle = new MembershipOracle();
  const problems: string[] = [];
  let nowMs = 0;
  for (; nowMs < 60_000; nowMs += 900) problems.push(...oracle.published(heartbeat(1, 7), nowMs));
  assert.equal(problems.length, 0);
  for (let i = 0; i < MOST_HEARTBEATS; i++) {
    problems.push(...oracle.published(heartbeat(1, 7), nowMs));
  }
  assert.deepEqual(problems, ["n1 has published 17 heartbeats within 10000 ms"]);
});
