// The document beside a twin that keeps every update, and of each edit what document it was made in.

import fc from "fast-check";
import { applyUpdate, Array as YArray, Doc, encodeStateAsUpdate, Map as YMap, Text } from "yjs";
import { document, type DocumentOperation, type DocumentStore } from "../../src/crdt/document.ts";
import type { Happening, TypeUnderTest } from "./laws.ts";

export function edit(update: Uint8Array): DocumentOperation {
  return { kind: "edit", update };
}

/** A document of a client who is called by a number. */
export function clientDocument(clientId: number): Doc {
  const doc = new Doc({ gc: true });
  doc.clientID = clientId;
  return doc;
}

/** What people would see. */
export function render(...updates: readonly Uint8Array[]): string {
  const doc = new Doc({ gc: true });
  for (const update of updates) applyUpdate(doc, update);
  const seen = [
    doc.getText("text").toDelta(),
    doc.getMap("map").toJSON(),
    doc.getArray("list").toJSON(),
  ];
  doc.destroy();
  return JSON.stringify(seen);
}

/** Updates of two clients who write, delete, format, nest and read each other; and whole states of theirs. */
export const UPDATES: readonly Uint8Array[] = session();

function session(): Uint8Array[] {
  const updates: Uint8Array[] = [];
  const [ann, ben] = [clientDocument(1), clientDocument(2)] as const;
  for (const doc of [ann, ben]) {
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "read") updates.push(update);
    });
  }
  const read = (to: Doc, from: Doc) => applyUpdate(to, encodeStateAsUpdate(from), "read");
  ann.getText("text").insert(0, "milk");
  ben.getText("text").insert(0, "eggs");
  read(ben, ann);
  ben.getText("text").delete(1, 4);
  updates.push(encodeStateAsUpdate(ben));
  ann.getMap("map").set("name", new Text("list"));
  read(ben, ann);
  (ben.getMap("map").get("name") as Text).format(0, 2, { bold: true });
  (ann.getMap("map").get("name") as Text).delete(0, 1);
  const inner = new YMap();
  inner.set("count", 1);
  ann.getArray("list").insert(0, [inner, "two"]);
  read(ben, ann);
  ben.getArray("list").delete(0, 1);
  ben.getMap("map").set("name", new YArray());
  updates.push(encodeStateAsUpdate(ben), encodeStateAsUpdate(ann));
  return updates;
}

const rendered = new Map<string, string>();

/** The rendering of some of {@linkcode UPDATES}, remembered. */
function renderAll(edits: readonly DocumentOperation[]): string {
  const key = [...new Set(edits.map(({ update }) => UPDATES.indexOf(update)))].sort().join();
  if (!rendered.has(key)) rendered.set(key, render(...edits.map(({ update }) => update)));
  return rendered.get(key)!;
}

type Happened = Happening<DocumentOperation>;

/** The edits of all documents that no removal has taken. */
function left(happenings: readonly Happened[]): DocumentOperation[] {
  const isLive = (beginning: Happened, known: number) =>
    !happenings.some(({ operation, covered, bit }) =>
      operation === "clear" && (known & bit) !== 0 && (covered & beginning.bit) !== 0
    );
  const beginnings: Happened[] = [];
  const edits: { operation: DocumentOperation; beginning: Happened }[] = [];
  for (const one of happenings) {
    if (one.operation === "clear") continue;
    const [held] = beginnings
      .filter((other) => (one.known & other.bit) !== 0 && isLive(other, one.known))
      .sort((a, b) => a.dot.actor < b.dot.actor ? -1 : 1);
    if (held === undefined) beginnings.push(one);
    edits.push({ operation: one.operation, beginning: held ?? one });
  }
  return edits.filter(({ beginning }) => isLive(beginning, ~0)).map(({ operation }) => operation);
}

const shown = new Map<string, string>();

export const documentTest: TypeUnderTest<
  DocumentStore,
  DocumentOperation,
  Uint8Array | undefined
> = {
  type: document,
  operations: fc.constantFrom(...UPDATES).map(edit),
  withSeen: (operation) => operation,
  twin: (happenings) => renderAll(left(happenings)),
  show(value) {
    const key = value?.toHex() ?? "";
    if (!shown.has(key)) shown.set(key, value === undefined ? renderAll([]) : render(value));
    return shown.get(key)!;
  },
};
