// No acknowledged write is lost, and nothing is resurrected (I1).
//
// Of one key, when all is healed: a value that was acknowledged is there unless a write that saw it replaced
// it; a value that an acknowledged write saw and replaced is not there. With requests of which nobody
// knows whether they took effect this is a bound from both sides:
//
//   must = values of ok puts that no write, ok or unknown, has replaced
//   may  = values of ok or unknown puts that no ok write has replaced
//   must is contained in what is there, which is contained in may
//
// and one choice of the unknown writes, each taken whole with what it replaced, must explain exactly what is
// there. Such a choice is found without search. An unknown write that replaced something that is there has
// not happened; a value that is there was written; and of the rest the largest set will do in which every
// value that is not there has been replaced by somebody in the set, because the union of two choices
// is a choice.
//
// What a write replaced is a set of writes that was really shown (see history.ts). A write that was refused has
// no dot at all.
//
// Source: after the model of riak_kv's kv679 tests, which unites the contexts of all puts.

import { type Operation, showOperation, type Write } from "../history.ts";
import { WriteSet } from "../write_set.ts";

/**
 * What is wrong with the final values of one key.
 *
 * @param writes of this key, in the order in which their dots were drawn
 * @param found the values that are there when all is healed
 */
export function lostWriteProblems(
  key: string,
  operations: readonly Operation[],
  writes: readonly Write[],
  found: readonly string[],
): string[] {
  const problems = refusalProblems(key, operations);
  const isThere = new Set(found);
  for (const value of isThere) {
    if (writes.some((write) => write.value === value)) continue;
    problems.push(`${key}: value ${value} is there and was never written`);
  }
  if (isThere.size !== found.length) problems.push(`${key}: a value is there twice: ${found}`);
  const certain = writes.filter(({ operation }) => operation.outcome === "ok");
  const possible = writes.filter(({ operation }) => operation.outcome === "unknown");
  const replacedForSure = unionOf(certain);
  const replacedPerhaps = unionOf([...certain, ...possible]);
  for (const write of writes) {
    if (write.value === undefined || write.operation.outcome === "no") continue;
    const isHere = isThere.has(write.value);
    if (!isHere && write.operation.outcome === "ok" && !replacedPerhaps.has(write)) {
      problems.push(`${key}: lost write ${showOperation(write.operation)}`);
    }
    if (isHere && replacedForSure.has(write)) {
      problems.push(`${key}: resurrected ${showOperation(write.operation)}`);
    }
  }
  if (problems.length === 0 && !isExplained(certain, possible, isThere)) {
    problems.push(`${key}: no choice of the unknown writes leaves exactly [${found.join(" ")}]`);
  }
  return problems;
}

function refusalProblems(key: string, operations: readonly Operation[]): string[] {
  const problems: string[] = [];
  for (const operation of operations) {
    if (operation.key !== key) continue;
    const { outcome, kind, writes } = operation;
    if (outcome === "no" && writes.length > 0) {
      problems.push(`${key}: refused and yet written ${showOperation(operation)}`);
    }
    if (outcome === "ok" && kind === "put" && writes.length === 0) {
      problems.push(`${key}: acknowledged and never written ${showOperation(operation)}`);
    }
  }
  return problems;
}

function isExplained(
  certain: readonly Write[],
  possible: readonly Write[],
  isThere: ReadonlySet<string>,
): boolean {
  const isHere = ({ value }: Write) => value !== undefined && isThere.has(value);
  const here = [...certain, ...possible].filter(isHere);
  const replacesWhatIsThere = ({ replaced }: Write) => here.some((write) => replaced.has(write));
  if (certain.some(replacesWhatIsThere)) return false;
  let chosen = possible.filter((write) => !replacesWhatIsThere(write));
  for (;;) {
    const replaced = unionOf([...certain, ...chosen]);
    const kept = chosen.filter((write) => {
      return write.value === undefined || isHere(write) || replaced.has(write);
    });
    if (kept.length === chosen.length) break;
    chosen = kept;
  }
  const all = [...certain, ...chosen];
  const replaced = unionOf(all);
  const left = all.filter((write) => write.value !== undefined && !replaced.has(write));
  return left.every(isHere) && left.length === isThere.size;
}

/** All that these writes have replaced. */
function unionOf(writes: readonly Write[]): WriteSet {
  const union = new WriteSet();
  for (const { replaced } of writes) union.addAll(replaced);
  return union;
}
