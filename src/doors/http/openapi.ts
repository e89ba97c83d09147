// The OpenAPI 3.1 document, made from the operations that the router serves.

import { LIMITS } from "../../wire/limits.ts";
import { IDEMPOTENCY_KEY_HEADER, IDEMPOTENCY_WINDOW_MS } from "./idempotency_key.ts";
import { reference, SCHEMAS } from "./openapi_schemas.ts";
import { IF_MATCH_HEADER, IF_NONE_MATCH_HEADER } from "./preconditions.ts";
import {
  jsonResponse,
  KEY_ROUTE,
  NAMESPACE_ROUTE,
  type Operation,
  operation,
  type ResponseDescription,
  type ResponseHeader,
} from "./operation.ts";

/** The version of the interface: it changes when what the routes promise changes. */
const INTERFACE_VERSION = "1.0.0";

/** `GET /openapi.json`. `all` is called at the first request; it includes this operation. */
export function openApiOperation(all: () => readonly Operation[]): Operation {
  let text: string | undefined;
  return operation({
    id: "getOpenApi",
    method: "GET",
    path: "/openapi.json",
    summary: "This document",
    query: {},
    responses: {
      200: {
        description: "An OpenAPI 3.1 document.",
        content: { "application/json": { type: "object" } },
      },
    },
    problems: {},
    handle: () => jsonResponse(text ??= JSON.stringify(openApiDocument(all()))),
  });
}

/** The document that describes `operations`. Every GET is also a HEAD. */
export function openApiDocument(operations: readonly Operation[]): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const described of operations) {
    const path = paths[described.path] ??= pathItem(described.path);
    path[described.method.toLowerCase()] = operationObject(described);
    if (described.method === "GET") path["head"] = headObject(described);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Denamo",
      version: INTERFACE_VERSION,
      summary: "A key-value store after Amazon's Dynamo: any node takes any request.",
      description:
        "Every refusal and failure is a problem (RFC 9457) with a stable code. Its outcome " +
        "says whether a write can have taken effect. Parameters that are unknown, repeated or " +
        "malformed are refused.",
    },
    paths,
    components: { schemas: SCHEMAS },
  };
}

function pathItem(path: string): Record<string, unknown> {
  if (path === KEY_ROUTE) return { parameters: [KEY_PARAMETER] };
  return path === NAMESPACE_ROUTE ? { parameters: [PREFIX_PARAMETER] } : {};
}

const PREFIX_PARAMETER = {
  name: "prefix",
  in: "path",
  required: true,
  schema: { type: "string", minLength: 1 },
  description:
    `The text with which the keys begin: 1 to ${LIMITS.key} bytes of UTF-8, percent-encoded.`,
};

const KEY_PARAMETER = {
  name: "key",
  in: "path",
  required: true,
  schema: { type: "string", minLength: 1 },
  description:
    `The key: 1 to ${LIMITS.key} bytes, percent-encoded. Any bytes may be written as %XX; a ` +
    "slash that is not encoded is part of the key as well. Clients that follow the URL standard " +
    'cannot send the keys "." and "..": they resolve such segments, encoded or not.',
};

const CONTEXT_PARAMETER = {
  name: "Denamo-Context",
  in: "header",
  required: false,
  schema: { type: "string", maxLength: LIMITS.contextToken },
  description: "The context of an earlier read of this key: the write replaces what that read saw.",
};

const AT_LEAST_PARAMETER = {
  name: "Denamo-At-Least",
  in: "header",
  required: false,
  schema: { type: "string", maxLength: LIMITS.contextToken },
  description:
    "The Denamo-Context or Denamo-At-Least of an earlier answer on this key, or several with commas " +
    "between them: the read answers with nothing that has seen less, or fails with the code stale.",
};

const IDEMPOTENCY_KEY_PARAMETER = {
  name: IDEMPOTENCY_KEY_HEADER,
  in: "header",
  required: false,
  schema: { type: "string" },
  description:
    "A UUID of version 7, the same each time the request is tried: all its operations, which must be on " +
    `counters, count once. It may be tried for ${
      IDEMPOTENCY_WINDOW_MS / 60_000
    } minutes after the UUID ` +
    "was drawn; later it fails with the code too_late.",
};

const HEADERS: Record<ResponseHeader, object> = {
  "Denamo-Context": {
    description: "Carry it to the next write of this key.",
    schema: { type: "string" },
  },
  "Denamo-At-Least": {
    description: "Carry it to a later read of this key to see this write.",
    schema: { type: "string" },
  },
  "Denamo-Siblings": {
    description: "How many values the key has that no later write has replaced.",
    schema: { type: "integer", minimum: 0 },
  },
  "Denamo-Expires-At-Ms": {
    description: "When the latest value ends, in milliseconds since 1970, if it does.",
    schema: { type: "integer" },
  },
  "Denamo-Type": {
    description: "The type of a value that merges; there is none for others.",
    schema: { type: "string" },
  },
  "Denamo-Existed": {
    description: "Whether there was a value to delete.",
    schema: { type: "boolean" },
  },
  "ETag": {
    description: "The context in quotes, of a value that is shown alone.",
    schema: { type: "string" },
  },
  "Location": { description: "Where the result is to be seen.", schema: { type: "string" } },
};

const IF_MATCH_PARAMETER = {
  name: IF_MATCH_HEADER,
  in: "header",
  required: false,
  schema: { type: "string" },
  description:
    "The ETag of an earlier read, or * for any value: the write is refused with 412 if a " +
    "read finds something else, and replaces what that read found otherwise.",
};

const IF_NONE_MATCH_PARAMETER = {
  name: IF_NONE_MATCH_HEADER,
  in: "header",
  required: false,
  schema: { type: "string" },
  description: "ETags of earlier reads: the answer is 304 if one of them is that of the value.",
};

const PROBLEM_CONTENT = { "application/problem+json": reference("Problem") };

/** What any operation may answer besides its own statuses. */
const COMMON_PROBLEMS = {
  400: { description: "The request makes no sense; the detail names what is wrong." },
};
const OTHER_PROBLEM = { description: "Any other problem; its code says which." };

function operationObject(described: Operation): object {
  const { id, summary, description, requestBody } = described;
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    parameters: parametersOf(described),
    ...(requestBody === undefined ? {} : {
      requestBody: { required: described.method === "POST", content: contentOf(requestBody) },
    }),
    responses: responsesOf(described, contentOf),
  };
}

/** The same without any body, as HTTP defines HEAD. */
function headObject(described: Operation): object {
  return {
    operationId: described.id.replace(/^[a-z]+/, "head"),
    summary: `${described.summary}: the headers only`,
    parameters: parametersOf(described),
    responses: responsesOf(described, () => undefined),
  };
}

function parametersOf(described: Operation): object[] {
  const { query, takesAtLeast, takesContext, takesIdempotencyKey } = described;
  const { takesIfMatch, takesIfNoneMatch } = described;
  const parameters: object[] = Object.entries(query).map((
    [name, { description, schema, example }],
  ) => ({ name, in: "query", required: false, description, schema, example }));
  if (takesAtLeast) parameters.push(AT_LEAST_PARAMETER);
  if (takesContext) parameters.push(CONTEXT_PARAMETER);
  if (takesIfMatch) parameters.push(IF_MATCH_PARAMETER);
  if (takesIfNoneMatch) parameters.push(IF_NONE_MATCH_PARAMETER);
  if (takesIdempotencyKey) parameters.push(IDEMPOTENCY_KEY_PARAMETER);
  return parameters;
}

type ShowContent = (content: Readonly<Record<string, object>>) => object | undefined;

function responsesOf(described: Operation, showContent: ShowContent): object {
  const responses: Record<string, unknown> = {};
  for (const [status, response] of Object.entries(described.responses)) {
    responses[status] = responseObject(response, showContent);
  }
  const problems = { ...COMMON_PROBLEMS, ...described.problems, default: OTHER_PROBLEM };
  for (const [status, problem] of Object.entries(problems)) {
    responses[status] = responseObject({ ...problem, content: PROBLEM_CONTENT }, showContent);
  }
  return responses;
}

function responseObject(response: ResponseDescription, showContent: ShowContent): object {
  const { description, headers, content } = response;
  const shown = content === undefined ? undefined : showContent(content);
  return {
    description,
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(headers.map((name) => [name, HEADERS[name]])) }),
    ...(shown === undefined ? {} : { content: shown }),
  };
}

function contentOf(content: Readonly<Record<string, object>>): object {
  return Object.fromEntries(
    Object.entries(content).map(([mediaType, schema]) => [mediaType, { schema }]),
  );
}
