import type { Drill, Drilled, DrillPlace } from '#drilling.ts'
import { newestClientProgram } from '#postgres/client-programs.ts'
import type { PostgresConnection, PostgresTarget } from '#postgres/connection.ts'
import { contentsIn, type DatabaseContents } from '#postgres/contents-record.ts'
import { checkIndexes, lendAmcheck } from '#postgres/drill/check-indexes.ts'
import { type Comparison, compareContents } from '#postgres/drill/compare-contents.ts'
import { databaseSizeOf, onOwnServer } from '#postgres/drill/own-server.ts'
import { readContents } from '#postgres/drill/read-contents.ts'
import { planRehearsal, type Rehearsal, rehearseDatabase } from '#postgres/drill/rehearse-database.ts'
import { assertNeedsNoSuperuser, notRestorable, UNCONFINED_NOTE } from '#postgres/drill/trusted-dump.ts'
import { withLines } from '#postgres/drill/with-lines.ts'
import { compareLines } from '#postgres/lines/compare-lines.ts'
import { linesIn } from '#postgres/lines/lines-record.ts'
import { PsqlSession } from '#postgres/psql-session.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** Throws what a drill would, as far as that is known before the backup is read. Leaves nothing. */
export async function checkDatabaseDrill(
  backup: RecordedBackup,
  place: DrillPlace<PostgresTarget>,
): Promise<void> {
  const { on, createRoles, trustDump, scratch, targets, signal } = place
  if (backup.source?.['format'] === 'custom') await newestClientProgram('pg_restore', signal)
  if (on !== undefined) {
    await planRehearsal({ backup, connection: on.connection, createRoles, targets, signal })
    return
  }
  await onOwnServer(scratch, { sizeBytes: databaseSizeOf(backup), signal }, async ({ superuser }) => {
    const of = { createRoles: true, isTemporary: true, targets }
    await planRehearsal({ backup, connection: superuser, ...of, signal })
  })
  // Second: trust does not help where a library is missing.
  if (!trustDump) assertNeedsNoSuperuser(backup.source)
}

/** Throws `UNREACHABLE`, `CONFIGURATION` for a server without a right to make databases. Changes nothing. */
export async function checkDrillServer(connection: PostgresConnection, signal: AbortSignal): Promise<void> {
  await planRehearsal({
    backup: { source: { kind: 'postgres' }, size: 0 },
    ...{ connection, createRoles: false, signal },
  })
}

/**
 * Restores a dump into a temporary database, and compares it with the record. Throws what a restore throws.
 */
export async function drillDatabase(backup: RecordedBackup, drill: Drill<PostgresTarget>): Promise<Drilled> {
  const { on, createRoles, trustDump, scratch, open, onRestored, onCompare, signal } = drill
  const of = { backup, open, onRestored, onCompare, signal }
  if (on !== undefined) {
    const { connection } = on
    const where = `a database of its own on ${serverOf(connection)}`
    return await rehearse({ ...of, connection, createRoles, mayDifferInLocale: false, where })
  }
  return await onOwnServer(scratch, { sizeBytes: databaseSizeOf(backup), signal }, async server => {
    const drilled = await rehearse({
      ...of,
      connection: server.superuser,
      as: trustDump ? 'superusers' : server,
      ...{ createRoles: true, mayDifferInLocale: true, where: 'a server of its own' },
    }).catch((error: unknown) => {
      throw trustDump ? error : notRestorable(error)
    })
    const notes = trustDump && !server.isConfined ? [UNCONFINED_NOTE] : []
    return { ...drilled, notes: [...drilled.notes, ...notes] }
  })
}

type Comparing = Pick<Drill, 'onCompare'> & { where: string }

async function rehearse({ where, onCompare, ...rehearsal }: Comparing & Rehearsal): Promise<Drilled> {
  const { backup, signal } = rehearsal
  const recorded = contentsIn(backup.source)
  const lines = linesIn(backup.source)
  const { seen, serverVersion, notes } = await rehearseDatabase(rehearsal, async (reader, psql, maker) => {
    const session = new PsqlSession(reader, { psql, signal })
    try {
      await session.begin('read only')
      const read = recorded && compareContents(recorded, await readContents(session, recorded, onCompare))
      const place = { session, connection: reader, psql, signal, onCompare }
      const isByLines = lines !== undefined && read?.depth !== 'contents'
      const compared = isByLines ? withLines(read, await compareLines(lines, place)) : read
      await session.end()
      await lendAmcheck(maker, { psql, signal })
      await session.begin('read only')
      return { compared, indexes: await checkIndexes(session) }
    } finally {
      await session.close()
    }
  })
  const { compared, indexes } = seen
  return {
    ...{ where, server_version: serverVersion },
    notes: [...notes, ...uncountedNote(recorded), indexes?.note ?? UNCHECKED_INDEXES],
    differences: [...(compared?.differences ?? []), ...(indexes?.differences ?? [])],
    not_covered: compared?.notCovered ?? [],
    ...depthOf(compared),
  }
}

function depthOf(compared: Comparison | undefined): Pick<Drilled, 'depth' | 'compared'> {
  if (compared === undefined) return { depth: 'restored', compared: { contents: 'not compared' } }
  const { depth, contents, tables, rows } = compared
  return { depth, compared: { contents, ...(depth !== 'restored' && { tables, rows }) } }
}

function uncountedNote(recorded: DatabaseContents | undefined): string[] {
  const uncounted = recorded === undefined ? 0 : recorded.tables - recorded.counted
  if (uncounted === 0) return []
  return [`${uncounted} of ${recorded?.tables} tables were not counted when it was made.`]
}

const UNCHECKED_INDEXES =
  'Indexes were not checked: that server has no amcheck, or the role of the drill may not use it.'

/** `user@host:port`. The URL's database is left out: it is used for the login alone. */
function serverOf({ display, database = '' }: PostgresConnection): string {
  return display.slice(0, display.length - `/${database}`.length)
}
