import { sql } from 'kysely'
import { type Database, migrate } from '#index.ts'
import { describeErase } from '#test/suite-erase.ts'
import { describeFullDisk } from '#test/suite-full-disk.ts'
import { describeHistory } from '#test/suite-history.ts'
import { describeImports } from '#test/suite-imports.ts'
import { describeIndexDrawing } from '#test/suite-index-drawing.ts'
import { describeLeases } from '#test/suite-leases.ts'
import { describeLedger } from '#test/suite-ledger.ts'
import { describeParts } from '#test/suite-parts.ts'
import { describeQueries } from '#test/suite-queries.ts'
import { describeRecords } from '#test/suite-records.ts'
import { describeRestores } from '#test/suite-restores.ts'
import { describeVault } from '#test/suite-vault.ts'

/** What every catalog has to do, on whatever server; each test begins with an empty one. */
export function describeCatalog(connect: () => Promise<Database>): void {
  const open = async (): Promise<Database> => {
    const database = await connect()
    await sql`drop schema if exists control_plane cascade`.execute(database.kysely)
    await migrate(database)
    return database
  }
  describeRecords(open)
  describeQueries(open)
  describeLedger(open)
  describeParts(open)
  describeLeases(open)
  describeVault(open)
  describeIndexDrawing(open)
  describeErase(open)
  describeImports(open)
  describeRestores(open)
  describeHistory(open)
  describeFullDisk(open)
}
