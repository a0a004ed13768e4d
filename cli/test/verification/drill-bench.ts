import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '@telegram-backup/database'
import {
  openRestoreBench,
  processesWith,
  type RestoreBench,
} from '@telegram-backup/test-support/restore-bench.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { VerifiedBackup } from '#commands/verify-report.ts'

/** What a drill says as JSON. */
export interface Drilled extends VerifiedBackup {
  code?: string
}

/** A drill that has ended. */
interface DrillRun {
  code: number | null
  report: Drilled
  stderr: string
}

/** A vault, and a server with a database `source`. */
export interface DrillBench extends RestoreBench {
  server: PostgresServer
  drill(id: string, ...more: string[]): Promise<DrillRun>
  /** One that ends before a byte of the chat is read, with a hint. */
  drillUnread(id: string, ...more: string[]): Promise<DrillRun>
  /**
   * Another record of the source: what came back is not what was, as far as anybody can tell. `change` is
   * SQL.
   */
  tamperWithRecord(id: string, change: string): Promise<void>
  /** Nothing is left but the databases that there were. */
  expectNothingLeft(databases: readonly string[]): Promise<void>
}

/** Opens them. */
export async function openDrillBench(): Promise<DrillBench> {
  const server = await startPostgresServer(await installedServer())
  const bench = await openRestoreBench()
  const stateFolder = bench.env['TELEGRAM_BACKUP_HOME'] ?? ''
  await server.sql('postgres', `create role keeper; create database source owner keeper`)
  await server.sql(
    'source',
    `create table rows (id serial primary key, body text); alter table rows owner to keeper;
     insert into rows (body) select md5(n::text) from generate_series(1, 2000) n;
     create table "größe;" as select 1 as a; create view v as select * from rows; select lo_from_bytea(0, 'a large object')`,
  )
  const drill: DrillBench['drill'] = async (id, ...more) => {
    const run = await bench.cli(['verify', id, '--drill', '--json', ...more])
    return { code: run.code, stderr: run.stderr, report: run.json() as Drilled }
  }
  return {
    ...bench,
    server,
    drill,
    drillUnread: async (...args) => {
      let downloads = 0
      bench.chat.onDownload = async () => void downloads++
      try {
        const { verifications } = await bench.show(args[0])
        const ended = await drill(...args)
        expect(downloads, ended.stderr).toBe(0)
        expect((await bench.show(args[0])).verifications).toEqual(verifications)
        expect(ended.report).toMatchObject({ success: false, hint: expect.stringMatching(/./) })
        return ended
      } finally {
        bench.chat.honest()
      }
    },
    tamperWithRecord: async (id, change) => {
      const database = await openDatabase({ dataDir: stateFolder })
      try {
        await sql`update control_plane.backups set source = ${sql.raw(change)} where id = ${id}`.execute(
          database.kysely,
        )
      } finally {
        await database.close()
      }
    },
    expectNothingLeft: async databases => {
      expect(await server.databases(), 'no database is left').toEqual(databases)
      expect(await processesWith(`:${new URL(server.url('x')).port}/`), 'no psql is left').toEqual([])
      const folders = (await readdir(stateFolder)).filter(name => name.startsWith('drill-'))
      expect(folders, 'no folder is left').toEqual([])
      expect(await processesWith(join(stateFolder, 'drill-')), 'no server is left').toEqual([])
    },
    close: async () => {
      await bench.close()
      await server.stop()
    },
  }
}
