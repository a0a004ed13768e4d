import { setTimeout as delay } from 'node:timers/promises'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import { PsqlSession } from '#postgres/psql-session.ts'

/** What both clients are called at the server, so that whoever counts its sessions can leave out one that is about to go. */
export const LOOKING = 'telegram-backup looking'

/** How often it is asked; another user of the pool can hide it from one question. */
const ROUNDS = 4

/**
 * So long the second client may wait for its answer. In a pool in session mode that has no connection left it would wait for ever; in
 * transaction mode, the one that the first client used is free.
 */
const WAIT_MS = 10_000

/** Which session of which server it is; two servers may use the same process id. */
const WHICH_SESSION = `
select pg_catalog.jsonb_build_array(pid, backend_start, pg_catalog.inet_server_addr(), pg_catalog.inet_server_port())
from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid()`

/**
 * Refuses a way to the server on which a session is shared: a pooler in transaction mode gives each transaction whatever
 * connection is free. There pg_dump is not safe, nor are those who share the pool: what it sets for its session (an empty
 * search path first of all) holds for their next query, and what they have set holds for its.
 *
 * Told by two clients at once, of which neither has a transaction open: in a session of its own, neither ever sees another one,
 * nor both the same. Leaves the session without a transaction. Throws `CONFIGURATION`, and what `queryJson` throws.
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
  // Not before: it could have taken the only connection that the server has for us.
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
    // Refused: a server that has no second connection for us. The first one tells at least whether it stays with us.
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

/** The same before there is a session: for a connection that others are to be made by. */
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
