import { readdir, readFile } from 'node:fs/promises'
import { type Kysely, sql } from 'kysely'
import { CatalogError, errorCode } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'

// Any constant will do, as long as every starter takes the same one: 'tgbackup' in ASCII.
const MIGRATION_LOCK = '8387218650087945584'
const UNDEFINED_TABLE = '42P01'

/**
 * Brings the schema up to date, in one transaction: all missing migrations are applied or none. Several starters
 * may call it at once. Returns the names applied now; when there is nothing to do it costs one query.
 * CatalogError CATALOG when the catalog was made by a newer version, or a migration fails.
 */
export async function migrate(database: Database): Promise<string[]> {
  return await applyMigrations(
    database.kysely,
    new URL('.', import.meta.resolve('#migrations/001_create_catalog_table.sql')),
  )
}

/** As `migrate`, with the folder of the numbered `.sql` files, a URL ending in a slash. */
export async function applyMigrations(kysely: Kysely<CatalogSchema>, folder: URL): Promise<string[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  if (missing(files, await appliedNames(kysely)).length === 0) return []
  return await inTransaction(kysely, async trx => {
    await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)}::bigint)`.execute(trx)
    await createLedger(trx)
    const names = missing(files, await appliedNames(trx))
    for (const name of names) {
      // The name goes first: should two starters ever get this far, the second one fails on it.
      await sql`insert into control_plane.migrations (name) values (${name})`.execute(trx)
      await sql.raw(await readFile(new URL(name, folder), 'utf8')).execute(trx)
    }
    return names
  })
}

// CREATE SCHEMA asks for the right to create even where the schema exists, hence the look beforehand.
async function createLedger(kysely: Kysely<CatalogSchema>): Promise<void> {
  await sql`
    do $$ begin
      if to_regnamespace('control_plane') is null then create schema control_plane; end if;
      if to_regclass('control_plane.migrations') is null then
        create table control_plane.migrations (name text primary key, applied_at timestamptz not null default now());
      end if;
    end $$
  `.execute(kysely)
}

async function appliedNames(kysely: Kysely<CatalogSchema>): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from control_plane.migrations`.execute(kysely)
    return rows.map(row => row.name)
  } catch (error) {
    if (error instanceof CatalogError && errorCode(error.cause) === UNDEFINED_TABLE) return []
    throw error
  }
}

function missing(files: string[], applied: string[]): string[] {
  const unknown = applied.find(name => !files.includes(name))
  if (unknown) {
    throw new CatalogError(
      'CATALOG',
      `The catalog was made by a newer version (it has migration ${unknown})`,
      {
        hint: 'Update telegram-backup on this machine; an older version could damage the catalog.',
      },
    )
  }
  return files.filter(name => !applied.includes(name))
}
