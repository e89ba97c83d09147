// The part of JSON Schema that the OpenAPI document uses, checked without mercy.

type Schema = Readonly<Record<string, unknown>>;

const KNOWN = new Set([
  "$ref",
  "additionalProperties",
  "contentEncoding",
  "default",
  "description",
  "enum",
  "format",
  "items",
  "maxItems",
  "maxLength",
  "maximum",
  "minItems",
  "minLength",
  "minimum",
  "oneOf",
  "properties",
  "required",
  "type",
  "uniqueItems",
]);

/** What is wrong with `value`, one sentence each; `schemas` are the components to which `$ref` leads. */
export function mistakesOf(
  value: unknown,
  schema: Schema,
  schemas: Readonly<Record<string, Schema>>,
  where = "value",
): string[] {
  const unknown = Object.keys(schema).filter((name) => !KNOWN.has(name));
  if (unknown.length > 0) return [`${where}: this validator does not know ${unknown.join(", ")}`];
  const { $ref, oneOf, type, minimum, maximum, properties, required, items } = schema;
  if (typeof $ref === "string") {
    const target = schemas[$ref.replace("#/components/schemas/", "")];
    if (target === undefined) return [`${where}: ${$ref} leads nowhere`];
    return mistakesOf(value, target, schemas, where);
  }
  if (Array.isArray(oneOf)) {
    const fitting = oneOf.filter((one) => mistakesOf(value, one, schemas).length === 0);
    return fitting.length === 1 ? [] : [`${where}: fits ${fitting.length} of its alternatives`];
  }
  const mistakes: string[] = [];
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.some((name) => isOfType(value, name as string))) {
    mistakes.push(`${where}: ${JSON.stringify(value)} is not ${types.join(" or ")}`);
  }
  if (Array.isArray(schema["enum"]) && !schema["enum"].includes(value)) {
    mistakes.push(`${where}: ${JSON.stringify(value)} is none of ${schema["enum"].join(", ")}`);
  }
  if (typeof value === "number") {
    if (typeof minimum === "number" && value < minimum) mistakes.push(`${where}: too small`);
    if (typeof maximum === "number" && value > maximum) mistakes.push(`${where}: too large`);
  }
  if (Array.isArray(value) && items !== undefined) {
    value.forEach((item, index) => {
      mistakes.push(...mistakesOf(item, items as Schema, schemas, `${where}[${index}]`));
    });
  }
  if (properties !== undefined && isOfType(value, "object")) {
    const known = properties as Record<string, Schema>;
    const object = value as Record<string, unknown>;
    for (const name of (required as string[] | undefined) ?? []) {
      if (!Object.hasOwn(object, name)) mistakes.push(`${where}: ${name} is missing`);
    }
    for (const [name, part] of Object.entries(object)) {
      const schemaOfPart = known[name];
      if (schemaOfPart !== undefined) {
        mistakes.push(...mistakesOf(part, schemaOfPart, schemas, `${where}.${name}`));
      } else if (schema["additionalProperties"] === false) {
        mistakes.push(`${where}: ${name} is not described`);
      }
    }
  }
  return mistakes;
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    default:
      return false;
  }
}
