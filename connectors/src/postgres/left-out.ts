/** The table is null for large objects. */
export type LeftOut = [schema: string | null, table: string | null, reason: LeftOutReason]

/** Why something was not hashed, in words for people that follow "not covered: ". */
export const LEFT_OUT_REASONS = {
  time: 'the backup was complete before it could be hashed',
  rights: 'the user of the backup may not read it, or not all of its rows',
  lock: 'somebody held a lock on it',
  functions: "an index or a statistic of it calls a function that is not PostgreSQL's own",
  size: 'a row is too large',
  floats: 'it has floating-point numbers inside of other types, whose text PostgreSQL has changed in 12',
  refused: 'the server could not hash it',
  version: 'the server is too old to read it safely',
  unsafe: 'its owner could run code with the rights that the user of the backup has on the server',
  connection: 'the server has no further connection for the backup',
  rows: 'its rows are not in the dump',
  part: 'some of its rows are not in the dump',
  foreign: 'a foreign table: its rows are not in the dump',
  view: 'a materialized view: its rows are not in the dump',
  extension: 'it belongs to an extension, and only some of its rows are in the dump',
} as const

export type LeftOutReason = keyof typeof LEFT_OUT_REASONS

/** The words for a reason out of a record, which may be of a later version. */
export function reasonWords(reason: string): string {
  return Object.hasOwn(LEFT_OUT_REASONS, reason) ? LEFT_OUT_REASONS[reason as LeftOutReason] : reason
}
