// Zones: what fails together.
//
// A zone is "dc" or "dc/rack". Two zones are the same only if their full names are; two zones of one
// datacentre share its fate too, so copies are spread over datacentres first and over racks second.

const PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export interface Zone {
  /** The full name, as it was written. */
  readonly name: string;
  readonly datacentre: string;
  /** Undefined where the zone is a whole datacentre. */
  readonly rack: string | undefined;
}

/** Whether `text` is "dc" or "dc/rack", each of 1 to 63 letters, digits, dots, underscores and hyphens. */
export function isZone(text: string): boolean {
  const parts = text.split("/");
  return parts.length <= 2 && parts.every((part) => PART.test(part));
}

/**
 * Reads "dc" or "dc/rack".
 *
 * @throws {RangeError} if the text is neither
 */
export function parseZone(text: string): Zone {
  if (!isZone(text)) {
    throw new RangeError(
      `Zone "${text}" is not "dc" or "dc/rack" of up to 63 letters, digits, ".", "_" and "-" each`,
    );
  }
  const slash = text.indexOf("/");
  return slash < 0
    ? { name: text, datacentre: text, rack: undefined }
    : { name: text, datacentre: text.slice(0, slash), rack: text.slice(slash + 1) };
}
