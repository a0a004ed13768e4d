import {
  compareContents,
  type RestoredContents,
} from '@telegram-backup/connectors/postgres/compare-contents.ts'
import type { PostgresConnection } from '@telegram-backup/connectors/postgres/connection.ts'
import { contentsIn } from '@telegram-backup/connectors/postgres/contents-record.ts'
import {
  countObjects,
  countRows,
  prepareCounting,
  readRelations,
  readSequences,
  type TableRows,
} from '@telegram-backup/connectors/postgres/database-contents.ts'
import { PsqlSession } from '@telegram-backup/connectors/postgres/psql-session.ts'
import {
  type Rehearsal,
  rehearseDatabase,
} from '@telegram-backup/connectors/postgres/restore/rehearse-database.ts'
import type { OpenBytes } from '@telegram-backup/connectors/postgres/restore/restore-database.ts'
import type { BackupDetails } from '@telegram-backup/database'
import type { Drilled } from '#proof/drill-report.ts'
import { onOwnServer } from '#proof/own-server.ts'
import { notRestorable, UNCONFINED_NOTE } from '#proof/trusted-dump.ts'

/** A drill of a database, and where. */
export interface DatabaseDrill {
  backup: Pick<BackupDetails, 'id' | 'source' | 'size'>
  open: OpenBytes
  /** A server on which a database is made and dropped; undefined: a server of its own. */
  on: PostgresConnection | undefined
  /** On that server; one's own has nobody else's roles. */
  createRoles: boolean
  /** On a server of its own: what comes out of the dump runs as its superuser. */
  trustDump: boolean
  stateFolder: string
  signal: AbortSignal
}

/** Restores a dump for real and compares what came of it with the record of its source. Throws what a restore throws. */
export async function drillDatabase(drill: DatabaseDrill): Promise<Drilled> {
  const { backup, on, createRoles, trustDump, stateFolder, signal } = drill
  if (on !== undefined) {
    const where = `a database of its own on ${serverOf(on)}`
    return await rehearse(drill, { connection: on, createRoles, mayDifferInLocale: false, where })
  }
  return await onOwnServer({ stateFolder, sizeBytes: databaseSizeOf(backup), signal }, async server => {
    const drilled = await rehearse(drill, {
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

/** So many bytes a restored database takes, as far as anybody knows. */
export function databaseSizeOf({ source, size }: Pick<BackupDetails, 'source' | 'size'>): number {
  return Math.max(Number(source?.['database_size'] ?? 0), size)
}

async function rehearse(
  { backup, open, signal }: DatabaseDrill,
  place: Pick<Rehearsal, 'connection' | 'as' | 'createRoles' | 'mayDifferInLocale'> & { where: string },
): Promise<Drilled> {
  const { where, ...server } = place
  const recorded = contentsIn(backup.source)
  const { seen, notes } = await rehearseDatabase(
    { ...server, backup, open, signal },
    async (restored, psql) =>
      recorded === undefined ? undefined : await readContents(restored, { psql, signal }),
  )
  if (recorded === undefined || seen === undefined) return { where, notes, differences: [], compared: null }
  const { differences, tables, rows } = compareContents(recorded, seen)
  const isAnythingKnown = recorded.counted > 0 || recorded.objects !== undefined
  const uncounted = recorded.tables - recorded.counted
  return {
    where,
    notes:
      uncounted === 0
        ? notes
        : [...notes, `${uncounted} of ${recorded.tables} tables were not counted when it was made.`],
    differences,
    compared: isAnythingKnown ? { tables, rows } : null,
  }
}

/** `user@host:port`. The database that the URL names is only for signing in: nobody shall think that it was written to. */
function serverOf({ display, database = '' }: PostgresConnection): string {
  return display.slice(0, display.length - `/${database}`.length)
}

async function readContents(
  connection: PostgresConnection,
  { psql, signal }: { psql: string; signal: AbortSignal },
): Promise<RestoredContents> {
  const session = new PsqlSession(connection, { psql, signal })
  try {
    await session.begin('read only')
    const relations = await readRelations(session)
    await prepareCounting(session, 0)
    const objects = await countObjects(session)
    const sequences = await readSequences(session)
    const rows: TableRows[] = []
    for (const table of relations) {
      if (table.kind === 'table') rows.push([table.schema, table.name, await countRows(session, table)])
    }
    return { rows, sequences, objects }
  } finally {
    await session.close()
  }
}
