import { setTimeout as delay } from 'node:timers/promises'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import { PsqlSession } from '#postgres/psql-session.ts'

/** Name of these clients at the server, so that a count of its sessions can leave them out. */
export const LOOKING = 'telegram-backup looking'

/** Number of questions; another user of the pool can hide it from one. */
const ROUNDS = 4

/** Longest wait of the second client: a pool in session mode may have no free connection. */
const WAIT_MS = 10_000

/** Identifies a session; two servers may use the same process id. */
const WHICH_SESSION = `
select pg_catalog.jsonb_build_array(pid, backend_start, pg_catalog.inet_server_addr(), pg_catalog.inet_server_port())
from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid()`

/**
 * Refuses a pooler in transaction mode, which gives each transaction whatever connection is free. pg_dump is
 * not safe there, nor are other users of the pool: settings of its session, such as the empty search path,
 * would reach their queries, and theirs would reach pg_dump.
 * Found by two clients without a transaction: with sessions of their own, each sees always the same one, and
 * never the other's. Leaves the session without a transaction. Throws `CONFIGURATION`, and what `queryJson`
 * throws.
 */
export async function refuseSharedSession(
  session: PsqlSession,
  connection: PostgresConnection,
  options: { psql: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const own = new Set([
    await whichSession(session).catch((error: unknown) => {
      throw /statement pooling mode/.test(describeError(error).message) ? shared(connection) : error
    }),
  ])
  // Only now: it could have taken the server's last free connection.
  const other = new PsqlSession(called(connection), options)
  const ending = new AbortController()
  try {
    const others = new Set<string>()
    let isAnswered = false
    const asking = other
      .reached()
      .then(() => whichSession(other))
      .then(answer => {
        others.add(answer)
        isAnswered = true
      })
    // A refusal means that the server has no second connection for us. The first client still finds out some.
    await Promise.race([asking, delay(WAIT_MS, undefined, { signal: ending.signal })]).catch(() => {})
    for (let round = 0; round < ROUNDS; round++) {
      if (isAnswered) others.add(await whichSession(other))
      own.add(await whichSession(session))
    }
    if (own.size > 1 || others.size > 1 || !own.isDisjointFrom(others)) throw shared(connection)
  } finally {
    ending.abort()
    await other.close()
  }
}

export async function refuseSharedSessions(
  connection: PostgresConnection,
  options: { psql: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const session = new PsqlSession(called(connection), options)
  try {
    await refuseSharedSession(session, connection, options)
  } finally {
    await session.close()
  }
}

function called(connection: PostgresConnection): PostgresConnection {
  return { ...connection, environment: { ...connection.environment, PGAPPNAME: LOOKING } }
}

async function whichSession(session: PsqlSession): Promise<string> {
  await session.begin('read only')
  const answer = await session.ask(WHICH_SESSION)
  await session.end()
  return JSON.stringify(answer)
}

function shared({ display }: PostgresConnection): BackupError {
  return new BackupError(
    `${display} is behind a pooler in transaction mode, which shares one session between its clients`,
    {
      code: 'CONFIGURATION',
      hint: 'Give the address of the PostgreSQL server itself, or of a pool in session mode (pgbouncer: pool_mode = session for this database).',
    },
  )
}
