// The laws of every type that merges, over random histories beside a slow twin.
//
// A history is a few replicas that take operations, exchange whole states, send deltas that are lost, doubled
// and late, and forget. The twin keeps every operation for ever: which ones a replica knows is a set of bits,
// and the value of such a set is computed from the operations alone. Replica and twin agree after every step.

import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import type { Dot } from "../../src/causality/dot.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";
import type { DataType, Delta, State } from "../../src/crdt/contract.ts";

/** One operation, or the removal of the whole, as the twin keeps it. */
export interface Happening<Operation> {
  readonly bit: number;
  readonly dot: Dot;
  readonly operation: Operation | "clear";
  /** What its coordinator knew. */
  readonly known: number;
  /** What it removes, where it removes something. */
  readonly covered: number;
}

export interface TypeUnderTest<Store, Operation, Value> {
  readonly type: DataType<Store, Operation, Value>;
  /** Operations whose contexts are still undefined. */
  readonly operations: fc.Arbitrary<Operation>;
  /** The operation with a context, if it is of a kind that has one. */
  withSeen(operation: Operation, seen: VersionVector | undefined): Operation;
  /** The value of a set of operations, in an order in which they may have happened. */
  twin(happenings: readonly Happening<Operation>[]): unknown;
  /** The value in the form in which the twin gives it. */
  show(value: Value): unknown;
  /** Whether the caller would refuse the operation, since `forgotten` have been forgotten. */
  isRefused?(operation: Operation, forgotten: readonly Happening<Operation>[]): boolean;
}

const RUNS = 10_000;
const EVERYBODY = 5;

type Kind = "apply" | "clear" | "merge" | "everybody" | "send" | "deliver" | "forget";

interface Step<Operation> {
  readonly kind: Kind;
  readonly at: number;
  readonly from: number;
  readonly pick: number;
  readonly operation: Operation;
}

const WEIGHTS: readonly [Kind, number][] = [
  ["apply", 8],
  ["clear", 1],
  ["merge", 4],
  ["everybody", 1],
  ["send", 3],
  ["deliver", 3],
  ["forget", 1],
];

/** Random histories of at most twelve steps. */
export function histories<Operation>(
  operations: fc.Arbitrary<Operation>,
): fc.Arbitrary<readonly Step<Operation>[]> {
  return fc.array(
    fc.record<Step<Operation>>({
      kind: fc.constantFrom(
        ...WEIGHTS.flatMap(([kind, weight]) => Array<Kind>(weight).fill(kind)),
      ),
      at: fc.nat(EVERYBODY - 1),
      from: fc.nat(EVERYBODY - 1),
      pick: fc.nat(1 << 20),
      operation: operations,
    }),
    { minLength: 1, maxLength: 12 },
  );
}

interface Replica<Store> {
  readonly actor: string;
  state: State<Store>;
  known: number;
}

type Message<Store> =
  | { readonly state: State<Store>; readonly known: number }
  | { readonly delta: Delta<Store>; readonly known: number; readonly before: number };

/** Replicas, the messages between them, and the twin beside them. */
export class World<Store, Operation, Value> {
  readonly replicas: Replica<Store>[];
  readonly #test: TypeUnderTest<Store, Operation, Value>;
  readonly #happenings: Happening<Operation>[] = [];
  readonly #contexts: { seen: Map<string, number>; known: number }[] = [];
  readonly #messages: Message<Store>[] = [];
  readonly #everyState: {
    owner: Replica<Store>;
    state: State<Store>;
    bytes: Uint8Array;
  }[] = [];
  /** What the twin says of each set of operations, since it is asked often. */
  readonly #twins = new Map<number, unknown>();
  #forgottenUpTo = 0;

  constructor(test: TypeUnderTest<Store, Operation, Value>, size: number) {
    this.#test = test;
    this.replicas = Array.from({ length: size }, (_, i) => ({
      actor: `n${i}~a`,
      state: test.type.empty,
      known: 0,
    }));
  }

  get known(): number {
    return this.replicas.reduce((known, replica) => known | replica.known, 0);
  }

  step({ kind, at, from, pick, operation }: Step<Operation>): void {
    const { type } = this.#test;
    const size = this.replicas.length;
    const replica = this.replicas[at % size]!;
    const sender = this.replicas[from % size]!;
    if (kind === "apply") this.#apply(replica, operation, pick);
    else if (kind === "clear") this.#apply(replica, "clear", pick);
    else if (kind === "merge") this.#merge(replica, sender);
    else if (kind === "everybody") this.exchange();
    else if (kind === "send") this.#send(replica, sender, pick);
    else if (kind === "deliver") this.#deliver(replica, sender, pick);
    else {
      const upTo = this.#knownToEverybody();
      this.#forgottenUpTo = Math.max(this.#forgottenUpTo, upTo);
      this.replicas.filter((_, i) => (pick >> i) & 1).forEach((one) => {
        this.#become(one, type.forget(one.state, upTo), one.known);
      });
    }
  }

  /** Everybody gets what everybody has. */
  exchange(): void {
    for (let round = 0; round < 2; round++) {
      for (const one of this.replicas) for (const other of this.replicas) this.#merge(one, other);
    }
  }

  forgetAll(): void {
    const upTo = Math.max(...this.replicas.map(({ state }) => this.#test.type.latestTime(state)));
    for (const one of this.replicas) {
      this.#become(one, this.#test.type.forget(one.state, upTo), one.known);
    }
  }

  /** No state that ever was has changed since. */
  checkUnchanged(): void {
    for (const { state, bytes } of this.#everyState) {
      assert.deepEqual(this.#test.type.encode(state), bytes);
    }
  }

  #apply(replica: Replica<Store>, operation: Operation | "clear", pick: number): void {
    const { type } = this.#test;
    const forgotten = this.#happenings.filter(({ dot }) => dot.time <= this.#forgottenUpTo);
    if (operation !== "clear" && this.#test.isRefused?.(operation, forgotten)) return;
    const usable = this.#contexts.filter(({ known }) => (known & ~replica.known) === 0);
    const context = pick % 3 === 0 ? undefined : usable[pick % usable.length];
    const time = Math.max(type.latestTime(replica.state), this.#forgottenUpTo) + 1 +
      (pick >> 4) % 3;
    // Operations without effect use up no dot, and the twin has to tell them all apart.
    const last = this.#happenings.findLast(({ dot }) => dot.actor === replica.actor)?.dot.time ?? 0;
    const dot = { actor: replica.actor, time: Math.max(time, last + 1) };
    const { known } = replica;
    const covered = context?.known ?? known;
    const state = operation === "clear"
      ? type.clear(replica.state, context?.seen, dot)
      : type.apply(replica.state, this.#test.withSeen(operation, context?.seen), dot);
    const bit = 1 << this.#happenings.length;
    this.#happenings.push({ bit, dot, operation, known, covered });
    this.#become(replica, state, known | bit);
  }

  #merge(replica: Replica<Store>, other: { state: State<Store>; known: number }): void {
    const merged = this.#test.type.merge(replica.state, other.state);
    this.#become(replica, merged, replica.known | other.known);
  }

  /** Sends the whole state, or what came to it since some state before. */
  #send(replica: Replica<Store>, receiver: Replica<Store>, pick: number): void {
    const { type } = this.#test;
    const { state, known } = replica;
    const states = this.#everyState.filter(({ owner }) => pick % 2 === 0 || owner === receiver);
    const before = states[(pick >> 1) % (states.length + 1)]?.state ?? type.empty;
    if (!state.seen.covers(before.seen)) {
      this.#messages.push({ state, known });
      return;
    }
    const delta = type.delta(before, state);
    const merged = type.mergeDelta(before, delta);
    if (merged !== undefined) {
      const expected = type.encode(type.merge(before, state));
      assert.deepEqual(type.encode(merged), expected, "a delta brings its beginning to its end");
    } else assert.ok(before.seen.floor < state.seen.floor);
    const encoded = type.encodeDelta(delta);
    assert.deepEqual(type.encodeDelta(type.decodeDelta(encoded)), encoded);
    this.#messages.push({ delta: type.decodeDelta(encoded), known, before: this.#knownTo(before) });
  }

  #deliver(replica: Replica<Store>, sender: Replica<Store>, pick: number): void {
    const { type } = this.#test;
    const isLatest = pick % 2 === 0;
    const message = isLatest
      ? this.#messages[this.#messages.length - 1]
      : this.#messages[(pick >> 1) % this.#messages.length];
    if (message === undefined) return;
    if ("state" in message) return this.#merge(replica, message);
    const state = type.mergeDelta(replica.state, message.delta);
    if (state !== undefined) return this.#become(replica, state, replica.known | message.known);
    // Who has not forgotten may take what was forgotten elsewhere for a gap, which costs a whole state.
    const isGap = this.#forgottenUpTo > 0 || (message.before & ~replica.known) !== 0;
    assert.ok(isGap, "a gap is seen only where there is one");
    this.#merge(replica, sender);
  }

  #become(replica: Replica<Store>, state: State<Store>, known: number): void {
    const { type, show } = this.#test;
    if (replica.state === state && replica.known === known) return;
    if (replica.state !== state) {
      this.#everyState.push({ owner: replica, state, bytes: type.encode(state) });
      const seen = new Map<string, number>();
      type.addTo(state, seen);
      this.#contexts.push({ seen, known });
    }
    replica.state = state;
    replica.known = known;
    assert.deepEqual(show(type.value(state)), this.#twin(known));
  }

  #twin(known: number): unknown {
    if (!this.#twins.has(known)) {
      const happenings = this.#happenings.filter(({ bit }) => (known & bit) !== 0);
      this.#twins.set(known, this.#test.twin(happenings));
    }
    return this.#twins.get(known);
  }

  /** What a state can be told to know, of the operations that had an effect. */
  #knownTo({ seen }: State<Store>): number {
    return this.#happenings.reduce((known, { bit, dot }) => seen.has(dot) ? known | bit : known, 0);
  }

  #knownToEverybody(): number {
    const known = this.replicas.reduce((known, replica) => known & replica.known, ~0);
    const missed = this.#happenings.filter(({ bit }) => (bit & known) === 0);
    const latest = Math.max(0, ...this.#happenings.map(({ dot }) => dot.time));
    return Math.min(latest, ...missed.map(({ dot }) => dot.time - 1));
  }
}

/** Runs the laws of a type over ten thousand histories. */
export function checkLaws<Store, Operation, Value>(
  test: TypeUnderTest<Store, Operation, Value>,
  runs = RUNS,
): void {
  fc.assert(
    fc.property(
      histories(test.operations),
      fc.integer({ min: 2, max: EVERYBODY }),
      (steps, size) => {
        const world = new World(test, size);
        for (const step of steps) world.step(step);
        const states = world.replicas.map(({ state }) => state);
        checkMerge(test.type, states[0]!, states[1]!, states[2] ?? states[0]!);
        for (const state of states) checkCodec(test.type, state);
        world.exchange();
        checkAllEqual(test.type, world.replicas.map(({ state }) => state));
        world.forgetAll();
        checkAllEqual(test.type, world.replicas.map(({ state }) => state));
        world.checkUnchanged();
      },
    ),
    { numRuns: runs },
  );
}

function checkMerge<Store>(
  type: DataType<Store, never, unknown>,
  a: State<Store>,
  b: State<Store>,
  c: State<Store>,
): void {
  const both = type.merge(a, b);
  assert.deepEqual(type.encode(both), type.encode(type.merge(b, a)), "commutative");
  assert.deepEqual(
    type.encode(type.merge(both, c)),
    type.encode(type.merge(a, type.merge(b, c))),
    "associative",
  );
  assert.equal(type.merge(a, a), a, "idempotent");
  assert.equal(type.merge(both, a), both, "absorbing says that nothing changed");
  assert.equal(type.merge(both, b), both);
}

function checkCodec<Store>(type: DataType<Store, never, unknown>, state: State<Store>): void {
  const bytes = type.encode(state);
  const decoded = type.decode(bytes.slice());
  assert.deepEqual(type.value(decoded), type.value(state));
  assert.deepEqual(type.encode(decoded), bytes);
  assert.equal(type.merge(state, decoded), state);
}

function checkAllEqual<Store>(
  type: DataType<Store, never, unknown>,
  states: readonly State<Store>[],
): void {
  const [first, ...others] = states.map((state) => type.encode(state));
  for (const other of others) {
    assert.deepEqual(other, first, "all that know the same hold the same");
  }
}

/** Feeds the decoders of a type what no encoder wrote. */
export function checkHostileBytes<Store, Operation, Value>(
  test: TypeUnderTest<Store, Operation, Value>,
  runs = RUNS,
): void {
  const { type } = test;
  const encodings = histories(test.operations).map((steps) => {
    const world = new World(test, 2);
    for (const step of steps) world.step(step);
    const [{ state: before }, { state }] = world.replicas as [Replica<Store>, Replica<Store>];
    const after = type.merge(before, state);
    return [type.encode(after), type.encodeDelta(type.delta(before, after))];
  });
  const damaged = fc.tuple(encodings, fc.nat(), fc.nat(7), fc.nat(2))
    .map(([[state, delta], at, bit, kind]) => {
      const bytes = (at % 2 === 0 ? state! : delta!).slice();
      if (kind === 0) return bytes.subarray(0, at % bytes.length);
      bytes[at % bytes.length]! ^= 1 << bit;
      if (kind === 2) bytes[(at * 7) % bytes.length]! ^= 1 << (at % 8);
      return bytes;
    });
  const garbage = fc.uint8Array({ maxLength: 40 }).map((bytes) =>
    new Uint8Array([1, type.encode(type.empty)[1]!, ...bytes])
  );
  const decoders: ((bytes: Uint8Array) => Uint8Array)[] = [
    (bytes) => type.encode(type.decode(bytes)),
    (bytes) => type.encodeDelta(type.decodeDelta(bytes)),
  ];
  fc.assert(
    fc.property(fc.oneof(damaged, garbage), (bytes) => {
      for (const decode of decoders) {
        let again: Uint8Array;
        try {
          again = decode(bytes);
        } catch (error) {
          assert.ok(error instanceof MalformedError, String(error));
          continue;
        }
        assert.deepEqual([...again], [...bytes], "what decodes is an encoding");
      }
    }),
    { numRuns: runs },
  );
}
