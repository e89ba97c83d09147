// What waits in a document, in one form.
//
// An edit that came before what it builds on is not in the document yet, and Yjs keeps it aside as it came. Letters
// that were typed one by one stay apart if they came in two updates and not if in one; of a deleted piece one update
// still has the text and another only the length, and the first of them is kept. So what waits is taken from the
// updates themselves, element by element: of each the copy that says least, since what is deleted stays deleted.
// Elements that follow each other are one struct, whatever they were in the updates.
//
// It takes O(n log n) in what waits.
//
// Source: Yjs, INTERNALS.md, src/utils/updates.js and src/structs/Item.js (splitItem(), mergeWith()).

// deno-lint-ignore denamo-rooms/imports -- It computes and touches nothing, as those that are allowed.
import * as Y from "yjs";

type Struct = Y.Item | Y.GC;
type Content = Y.Item["content"];

/**
 * All of the updates that is behind what the document has taken in, as one update without deletions.
 *
 * @param taken how many elements of each client the document has
 */
export function waitingUpdate(
  updates: readonly Uint8Array[],
  taken: ReadonlyMap<number, number>,
): Uint8Array {
  const clients = new Map<number, Struct[]>();
  for (const update of updates) {
    for (const struct of Y.decodeUpdate(update).structs) {
      const { client } = struct.id;
      if (struct instanceof Y.Skip || endOf(struct) <= (taken.get(client) ?? 0)) continue;
      const held = clients.get(client);
      if (held === undefined) clients.set(client, [struct]);
      else held.push(struct);
    }
  }
  const encoder = new Y.UpdateEncoderV1();
  encoder.writeLen(clients.size);
  for (const [client, structs] of [...clients].sort(([a], [b]) => b - a)) {
    const distinct = withoutCopies(structs, taken.get(client) ?? 0);
    writeStructs(encoder, withGaps(rowsOf(distinct).map(joined)));
  }
  encoder.writeLen(0);
  return encoder.toUint8Array();
}

function writeStructs(encoder: Y.UpdateEncoderV1, structs: readonly (Struct | Y.Skip)[]): void {
  const { client, clock } = structs[0]!.id;
  encoder.writeLen(structs.length);
  encoder.writeClient(client);
  encoder.writeLen(clock);
  for (const struct of structs) struct.write(encoder, 0);
}

/** How much a struct says: only that it was there; also where; also what it was. */
function rankOf(struct: Struct): number {
  if (struct instanceof Y.GC) return 0;
  return struct.content instanceof Y.ContentDeleted ? 1 : 2;
}

/** Each element from `from` on once, by its clock; of several copies the one that says least. */
function withoutCopies(structs: readonly Struct[], from: number): readonly Struct[] {
  let distinct: readonly Struct[] = [];
  for (const rank of [0, 1, 2]) {
    const ofRank = structs.filter((struct) => rankOf(struct) === rank);
    distinct = withThoseBetween(distinct, ofRank, from);
  }
  return distinct;
}

/** Puts between structs that are ascending and distinct what they do not have of the others. */
function withThoseBetween(
  held: readonly Struct[],
  others: Struct[],
  from: number,
): readonly Struct[] {
  if (others.length === 0) return held;
  const all: Struct[] = [];
  let i = 0;
  let clock = from;
  for (const other of others.sort((a, b) => a.id.clock - b.id.clock)) {
    while (clock < endOf(other)) {
      const next = held[i];
      const end = Math.min(endOf(other), next?.id.clock ?? Infinity);
      const start = Math.max(clock, other.id.clock);
      if (start < end) all.push(part(other, start, end));
      clock = Math.max(clock, end);
      if (next === undefined || next.id.clock >= endOf(other)) break;
      all.push(next);
      clock = Math.max(clock, endOf(next));
      i++;
    }
  }
  return [...all, ...held.slice(i)];
}

function part(struct: Struct, start: number, end: number): Struct {
  if (start === struct.id.clock && end === endOf(struct)) return struct;
  const { client, clock } = struct.id;
  const id = Y.createID(client, start);
  if (struct instanceof Y.GC) return new Y.GC(id, end - start);
  const origin = start === clock ? struct.origin : Y.createID(client, start - 1);
  return itemLike(struct, id, origin, partOf(struct.content, start - clock, end - clock));
}

function itemLike(
  { parent, parentSub, rightOrigin }: Y.Item,
  id: Y.ID,
  origin: Y.ID | null,
  content: Content,
): Y.Item {
  return new Y.Item(id, null, origin, null, rightOrigin, parent, parentSub, content);
}

/** Not by splice() of Yjs, which copies all that is left each time. */
function partOf(content: Content, start: number, end: number): Content {
  if (content instanceof Y.ContentString) return new Y.ContentString(content.str.slice(start, end));
  if (content instanceof Y.ContentAny) return new Y.ContentAny(content.arr.slice(start, end));
  if (content instanceof Y.ContentJSON) return new Y.ContentJSON(content.arr.slice(start, end));
  return new Y.ContentDeleted(end - start);
}

/** Structs that follow each other and can be one. */
function rowsOf(structs: readonly Struct[]): Struct[][] {
  const rows: Struct[][] = [];
  let before: Struct | undefined;
  for (const struct of structs) {
    if (before !== undefined && follows(before, struct)) rows.at(-1)!.push(struct);
    else rows.push([struct]);
    before = struct;
  }
  return rows;
}

function follows(before: Struct, struct: Struct): boolean {
  if (endOf(before) !== struct.id.clock) return false;
  if (before instanceof Y.GC || struct instanceof Y.GC) {
    return before instanceof Y.GC && struct instanceof Y.GC;
  }
  return isDivisible(struct.content) && before.content.constructor === struct.content.constructor &&
    Y.compareIDs(struct.origin, before.lastId) &&
    Y.compareIDs(struct.rightOrigin, before.rightOrigin);
}

function isDivisible(content: Content): boolean {
  return content instanceof Y.ContentString || content instanceof Y.ContentAny ||
    content instanceof Y.ContentJSON || content instanceof Y.ContentDeleted;
}

/** One struct of a row. */
function joined(row: readonly Struct[]): Struct {
  const first = row[0]!;
  if (row.length === 1) return first;
  const length = row.reduce((sum, struct) => sum + struct.length, 0);
  if (first instanceof Y.GC) return new Y.GC(first.id, length);
  const contents = row.map((struct) => (struct as Y.Item).content);
  return itemLike(first, first.id, first.origin, joinedContent(contents, length));
}

function joinedContent(contents: readonly Content[], length: number): Content {
  const [first] = contents;
  if (first instanceof Y.ContentString) {
    return new Y.ContentString(contents.map((it) => (it as Y.ContentString).str).join(""));
  }
  if (first instanceof Y.ContentAny) {
    return new Y.ContentAny(contents.flatMap((it) => (it as Y.ContentAny).arr));
  }
  if (first instanceof Y.ContentJSON) {
    return new Y.ContentJSON(contents.flatMap((it) => (it as Y.ContentJSON).arr));
  }
  return new Y.ContentDeleted(length);
}

function withGaps(structs: readonly Struct[]): (Struct | Y.Skip)[] {
  const all: (Struct | Y.Skip)[] = [];
  let before: Struct | undefined;
  for (const struct of structs) {
    const gap = before === undefined ? 0 : struct.id.clock - endOf(before);
    if (gap > 0) all.push(new Y.Skip(Y.createID(struct.id.client, endOf(before!)), gap));
    all.push(struct);
    before = struct;
  }
  return all;
}

function endOf({ id, length }: Struct): number {
  return id.clock + length;
}
