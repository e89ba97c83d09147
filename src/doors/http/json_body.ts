// What operators order in JSON: one reader for the bodies of all such requests.

import * as v from "valibot";
import { isNestedTooDeep } from "../../base/nesting.ts";
import type { HttpRequest } from "./message.ts";
import type { ProblemDescription } from "./operation.ts";
import { badRequest, HttpProblem } from "./problem.ts";
import type { BodyReader } from "./request_body.ts";
import { saysJson, textOf } from "./value_mapping.ts";

/** What may become of reading a body. */
export const BODY_PROBLEMS = {
  408: { description: "The body did not arrive in time." },
  413: { description: "The body is too large." },
  415: { description: "The body is not application/json." },
} as const satisfies Readonly<Record<number, ProblemDescription>>;

export class JsonBody<S extends v.GenericSchema> {
  readonly #name: string;
  readonly #schema: S;
  readonly #limitBytes: number;

  /** @param name begins errors, as in "Layout request is too large" */
  constructor(name: string, schema: S, limitBytes: number) {
    this.#name = name;
    this.#schema = schema;
    this.#limitBytes = limitBytes;
  }

  /**
   * Reads the body of one request.
   *
   * @throws {HttpProblem} `unsupported_media_type` if it is not JSON by its own word
   * @throws {DenamoError} `bad_request` that says where it does not fit, or what {@linkcode BodyReader} throws
   */
  async read(request: HttpRequest, bodies: BodyReader): Promise<v.InferOutput<S>> {
    const contentType = request.headers.get("content-type");
    // Browsers let a foreign page post texts and forms, but not JSON, without asking.
    if (!saysJson(contentType)) {
      throw new HttpProblem("unsupported_media_type", "The body must be application/json");
    }
    const body = await bodies.read(request, this.#name, this.#limitBytes);
    if (isNestedTooDeep(body)) throw badRequest("The body is nested too deep");
    const value = parse(textOf(contentType, body));
    // A list would pass for an object without properties.
    const result = v.safeParse(this.#schema, Array.isArray(value) ? null : value);
    if (result.success) return result.output;
    const [issue] = result.issues;
    const where = v.getDotPath(issue) ?? "body";
    const what = this.#name.toLowerCase();
    throw badRequest(`The body is no ${what}: ${where}: ${issue.message}`, { where });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`The body is not JSON: ${(error as SyntaxError).message}`);
  }
}
