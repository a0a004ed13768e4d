import type { Database } from '#database.ts'

/** All that `read` reads is of one moment. It must not write. */
export async function inSnapshot<Result>(
  database: Database,
  read: (snapshot: Database) => Promise<Result>,
): Promise<Result> {
  return await database.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(trx => read({ ...database, kysely: trx }))
}
