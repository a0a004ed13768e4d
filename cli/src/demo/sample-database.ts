import { PGlite } from '@electric-sql/pglite'
import { pgDump } from '@electric-sql/pglite-tools/pg_dump'
import { SHOP } from '#demo/shop.ts'

/** The contents of a table, in a form that can be compared. */
export interface TableContents {
  table: string
  rows: number
  /** MD5 over all rows in order, as PostgreSQL prints them. */
  checksum: string
}

/** A PostgreSQL that runs in this process; closing it deletes its data. */
export interface SampleDatabase {
  /** As pg_dump writes it. */
  dump(): Promise<string>
  /** Runs SQL statements. */
  execute(sql: string): Promise<void>
  restore(sql: string): Promise<void>
  contents(): Promise<TableContents[]>
  close(): Promise<void>
}

/** @param options.filled whether the database holds the shop, or is empty */
export async function openSampleDatabase(options: { filled: boolean }): Promise<SampleDatabase> {
  const database = await PGlite.create()
  if (options.filled) await database.exec(SHOP)
  return {
    dump: async () => {
      const file = await pgDump({ pg: database })
      // pg_dump ends its session with the connection, and there is only one here.
      await database.exec('ROLLBACK')
      await database.exec('RESET ALL')
      return await file.text()
    },
    execute: async sql => {
      await database.exec(sql)
    },
    restore: async sql => {
      // Removes lines that only psql understands; this database takes plain SQL.
      await database.exec(sql.replace(/^\\(un)?restrict .*$/gm, ''))
      // A dump sets an empty search path; the queries below need the usual one.
      await database.exec("SELECT set_config('search_path', 'public', false)")
    },
    contents: () => readContents(database),
    close: () => database.close(),
  }
}

async function readContents(database: PGlite): Promise<TableContents[]> {
  const tables = await database.query<{ table: string }>(
    `SELECT tablename AS table FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
  )
  const contents: TableContents[] = []
  for (const { table } of tables.rows) {
    const name = `"${table.replaceAll('"', '""')}"`
    const { rows } = await database.query<{ rows: number; checksum: string }>(
      `SELECT count(*)::int AS rows, md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS checksum FROM ${name} AS t`,
    )
    const [facts] = rows
    if (facts) contents.push({ table, ...facts })
  }
  return contents
}
