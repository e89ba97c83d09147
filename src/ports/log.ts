// What a node tells its operator.

/** Further facts of one line: numbers and short texts, never values of users. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where messages for the operator go. Messages are whole sentences without a full stop. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
