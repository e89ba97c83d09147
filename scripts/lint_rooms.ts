// A plugin for `deno lint` that holds what no compiler holds: the import law, and the bans.
//
// A node above host/ must do the same in the simulator as in the world, so nothing there may ask the
// machine for time, chance, files, the network or the console. Each message says what to use instead.
// The rules apply to src/ only; a rule is switched off for one line as any other is, with its reason:
//
//   // deno-lint-ignore denamo-rooms/pure -- why
//
// deno.json names this file under `lint.plugins`.

import { importProblem, isPure, placeOf } from "./rooms.ts";

const plugin: Deno.lint.Plugin = {
  name: "denamo-rooms",
  rules: {
    /** The import law of rooms.ts. */
    "imports": { create: (context) => importVisitor(context, pathOf(context)) },
    /** The bans for the rooms above host/. */
    "pure": {
      create: (context) => {
        const place = placeOf(pathOf(context));
        return place !== undefined && isPure(place) ? pureVisitor(context) : {};
      },
    },
    /** `#name` is private at run time too, and one way is enough. */
    "hash-private": {
      create: (context) => placeOf(pathOf(context)) === undefined ? {} : privateVisitor(context),
    },
    /** A name that is exported is the same name everywhere. */
    "named-exports": {
      create: (context) => placeOf(pathOf(context)) === undefined ? {} : exportVisitor(context),
    },
  },
};

export default plugin;

type Context = Deno.lint.RuleContext;
type Visitor = Deno.lint.LintVisitor;
type Node = Deno.lint.Node;

/** Globals that the rooms above host/ may not name, and what to use instead. */
const BANNED_GLOBALS: ReadonlyMap<string, string> = new Map([
  ["Deno", "take a port (ports/) as an argument"],
  ["process", "take a port (ports/) as an argument"],
  ["navigator", "take a port (ports/) as an argument"],
  ["localStorage", "use the disk of ports/disk.ts"],
  ["Date", "use clock.now() of ports/clock.ts"],
  ["Temporal", "use clock.now() of ports/clock.ts"],
  ["performance", "use clock.monotonic() of ports/clock.ts"],
  ["setTimeout", "use clock.after() of ports/clock.ts"],
  ["setInterval", "use clock.after() of ports/clock.ts, again each time"],
  ["setImmediate", "use clock.after() of ports/clock.ts"],
  ["clearTimeout", "use Timer.cancel() of ports/clock.ts"],
  ["clearInterval", "use Timer.cancel() of ports/clock.ts"],
  ["queueMicrotask", "use a promise, or clock.after() of ports/clock.ts"],
  ["crypto", "use the random of ports/random.ts, and base/hash.ts"],
  ["console", "use the log of ports/log.ts"],
  ["fetch", "use the network of ports/network.ts"],
  ["WebSocket", "use the network of ports/network.ts"],
  ["BroadcastChannel", "use the network of ports/network.ts"],
  ["MessageChannel", "use the network of ports/network.ts"],
  ["Worker", "a node is one thread; begin other processes in host/"],
  ["WeakRef", "the garbage collector keeps no order; own things and end them"],
  ["FinalizationRegistry", "the garbage collector keeps no order; own things and end them"],
  ["globalThis", "take what you need as an argument"],
]);

/** Members of allowed globals that the rooms above host/ may not name. */
const BANNED_MEMBERS: ReadonlyMap<string, string> = new Map([
  ["Math.random", "use the random of ports/random.ts"],
  ["AbortSignal.timeout", "use clock.after() of ports/clock.ts"],
]);

const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** The path of the file from the root of the project. */
function pathOf(context: Context): string {
  const path = context.filename.replaceAll("\\", "/");
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}

function importVisitor(context: Context, path: string): Visitor {
  if (placeOf(path) === undefined) return {};
  const check = (node: Node, specifier: string) => {
    const problem = importProblem(path, specifier);
    if (problem !== undefined) context.report({ node, message: problem });
  };
  const checkSource = (source: { value: string } & Node | null | undefined) => {
    if (source) check(source, source.value);
  };
  return {
    ImportDeclaration: (node) => checkSource(node.source),
    ExportAllDeclaration: (node) => checkSource(node.source),
    ExportNamedDeclaration: (node) => checkSource(node.source),
    ImportExpression: (node) => {
      if (node.source.type === "Literal" && typeof node.source.value === "string") {
        check(node, node.source.value);
      } else context.report({ node, message: "An import must name its module in so many words" });
    },
    TSImportType: (node) => {
      const [, specifier] = /^import\(\s*["']([^"']*)["']/.exec(context.sourceCode.getText(node)) ??
        [];
      if (specifier !== undefined) check(node, specifier);
    },
  };
}

function pureVisitor(context: Context): Visitor {
  // The shorthand `{ name }` is two identifiers, key and value, in one place.
  let reportedAt = -1;
  return {
    Identifier: (node) => {
      const instead = BANNED_GLOBALS.get(node.name);
      if (instead === undefined || isOnlyAName(node) || node.range[0] === reportedAt) return;
      reportedAt = node.range[0];
      context.report({ node, message: `Nothing above host/ may name ${node.name}: ${instead}` });
    },
    MemberExpression: (node) => {
      if (node.object.type !== "Identifier") return;
      const name = `${node.object.name}.${memberName(node)}`;
      const instead = BANNED_MEMBERS.get(name);
      if (instead === undefined) return;
      context.report({ node, message: `Nothing above host/ may name ${name}: ${instead}` });
    },
    VariableDeclarator: (node) => {
      if (node.id.type !== "ObjectPattern" || node.init?.type !== "Identifier") return;
      for (const property of node.id.properties) {
        if (property.type !== "Property" || property.key.type !== "Identifier") continue;
        const name = `${node.init.name}.${property.key.name}`;
        const instead = BANNED_MEMBERS.get(name);
        if (instead === undefined) continue;
        const message = `Nothing above host/ may name ${name}: ${instead}`;
        context.report({ node: property, message });
      }
    },
  };
}

function privateVisitor(context: Context): Visitor {
  const check = (node: Node, keyword: string | undefined, instead: string) => {
    if (keyword === undefined || keyword === "public") return;
    context.report({ node, message: `The keyword ${keyword} is not used here: ${instead}` });
  };
  return {
    PropertyDefinition: (node) => check(node, node.accessibility, "write #name"),
    // A constructor is the one member that no `#` can hide.
    MethodDefinition: (node) =>
      node.kind === "constructor" || check(node, node.accessibility, "write #name"),
    // Deno 2.9 gives a parameter the accessibility of its constructor, so the source is asked.
    TSParameterProperty: (node) => {
      const [keyword] = /\b(private|protected)\b/.exec(context.sourceCode.getText(node)) ?? [];
      check(node, keyword, "declare #name and assign it");
    },
  };
}

function exportVisitor(context: Context): Visitor {
  return {
    ExportDefaultDeclaration: (node) =>
      context.report({ node, message: "A default export has no name of its own: export a name" }),
  };
}

/** Whether an identifier merely names a member, a label or what is imported, and refers to no global. */
function isOnlyAName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as Node;
  switch (parent.type) {
    case "MemberExpression":
      return !parent.computed && isSame(parent.property, node);
    case "Property":
      // In the shorthand the place of the key is that of the value, which refers to the global.
      return !parent.computed && isSame(parent.key, node) && !isSame(parent.value, node);
    case "PropertyDefinition":
    case "MethodDefinition":
      return !parent.computed && isSame(parent.key, node);
    case "TSPropertySignature":
    case "TSMethodSignature":
      return !parent.computed && isSame(parent.key, node);
    case "TSQualifiedName":
      return isSame(parent.right, node);
    case "TSEnumMember":
      return isSame(parent.id, node);
    case "ImportSpecifier":
    case "ExportSpecifier":
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return true;
    default:
      return false;
  }
}

function isSame(a: Node, b: Node): boolean {
  return a.range[0] === b.range[0] && a.range[1] === b.range[1];
}

function memberName(node: Deno.lint.MemberExpression): string | undefined {
  if (!node.computed) return node.property.type === "Identifier" ? node.property.name : undefined;
  return node.property.type === "Literal" ? String(node.property.value) : undefined;
}
