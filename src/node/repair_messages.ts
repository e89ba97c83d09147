// What nodes tell each other of repair, as parts of messages.
//
//   hints answer   := [isComplete, limitBytes, keys, bytes, oldestAgeMs?, [[node, keys, bytes] ...], [node ...]]
//   repair request := [[partition ...]?]
//   repair answer  := [[[node, error?, partitions, [partition ...], repaired] ...]]

import { PARTITION_COUNT_MAX } from "../ring/partition.ts";
import { Arguments } from "../wire/arguments.ts";
import { LIMITS } from "../wire/limits.ts";
import type { HintsView, PeerRepairView } from "./repair_api.ts";

/** What a node says of what it keeps: its name and that it could be asked go without saying. */
export type OwnHints = Omit<HintsView, "node" | "error">;

/** Longer explanations are cut. */
const ERROR_CHARACTERS = 500;

export function hintsAnswer(hints: OwnHints): readonly unknown[] {
  const { bytes, isComplete, keys, limitBytes, oldestAgeMs, owners, tooLongAway } = hints;
  const listed = owners.map((owner) => [owner.node, owner.keys, owner.bytes]);
  return [isComplete, limitBytes, keys, bytes, oldestAgeMs ?? null, listed, tooLongAway];
}

/** The inverse of {@linkcode hintsAnswer}. @throws {MalformedError} */
export function readHints(answer: readonly unknown[]): OwnHints {
  const args = new Arguments(answer, "hints answer");
  return {
    isComplete: args.flag(),
    limitBytes: args.count(),
    keys: args.count(),
    bytes: args.count(),
    oldestAgeMs: args.optional((part) => part.count()),
    owners: rows(args.list(LIMITS.layoutMemberCount), "hints answer").map((row) => (
      { node: row.text(LIMITS.nodeName), keys: row.count(), bytes: row.count() }
    )),
    tooLongAway: names(args.list(LIMITS.layoutMemberCount), "hints answer"),
  };
}

export function repairRequest(partitions: readonly number[] | undefined): readonly unknown[] {
  return [partitions ?? null];
}

/** The inverse of {@linkcode repairRequest}. @throws {MalformedError} */
export function readRepairRequest(request: readonly unknown[]): number[] | undefined {
  const args = new Arguments(request, "repair request");
  return args.optional((part) => numbers(part.list(PARTITION_COUNT_MAX), "repair request"));
}

export function repairAnswer(peers: readonly PeerRepairView[]): readonly unknown[] {
  return [peers.map(({ differing, error, node, partitions, repaired }) => [
    node,
    error?.slice(0, ERROR_CHARACTERS) ?? null,
    partitions,
    differing,
    repaired,
  ])];
}

/** The inverse of {@linkcode repairAnswer}. @throws {MalformedError} */
export function readRepair(answer: readonly unknown[]): PeerRepairView[] {
  const where = "repair answer";
  const args = new Arguments(answer, where);
  return rows(args.list(LIMITS.layoutMemberCount), where).map((row) => ({
    node: row.text(LIMITS.nodeName),
    error: row.optional((part) => part.text(ERROR_CHARACTERS)),
    partitions: row.count(PARTITION_COUNT_MAX),
    differing: numbers(row.list(PARTITION_COUNT_MAX), where),
    repaired: row.count(),
  }));
}

function rows(list: readonly unknown[], where: string): Arguments[] {
  return list.map((row) => new Arguments(new Arguments([row], where).list(16), where));
}

function numbers(list: readonly unknown[], where: string): number[] {
  const args = new Arguments(list, where);
  return list.map(() => args.count(PARTITION_COUNT_MAX - 1));
}

function names(list: readonly unknown[], where: string): string[] {
  const args = new Arguments(list, where);
  return list.map(() => args.text(LIMITS.nodeName));
}
