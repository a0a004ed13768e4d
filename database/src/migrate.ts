import { readdir, readFile } from 'node:fs/promises'
import { type Kysely, sql, type Transaction } from 'kysely'
import { CatalogError, errorCode } from '#catalog-error.ts'
import { refuseForeignOwners, shutOutPublic } from '#catalog-owners.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction, waitWithoutBound } from '#connections.ts'
import type { Database } from '#database.ts'

// Any constant will do, as long as every starter takes the same one: 'tgbackup' in ASCII.
const MIGRATION_LOCK = '8387218650087945584'
const UNDEFINED_TABLE = '42P01'

/** How long to wait for another starter that migrates, and for each lock on a table that others use. */
const LOCK_WAITS_MS = { starter: 300_000, table: 30_000 }

/**
 * The first line of a migration may say which older programs can go on with the schema it makes: those whose newest migration
 * is that one or a later one. Without such a line they are refused.
 */
const MAY_GO_ON = /^-- Programs that know (\d{3}) may go on\.$/

/** A migration that has been applied; `usableFrom` is null for one that programs which do not know it must not go on with. */
interface Applied {
  name: string
  usableFrom: string | null
}

/**
 * Brings the schema up to date, in one transaction: all missing migrations are applied or none. Several starters
 * may call it at once. Returns the names applied now; when there is nothing to do it costs two queries.
 * CatalogError CONFIGURATION when something in the catalog belongs to another role, see `refuseForeignOwners`; CATALOG when the catalog was made by a newer version that this one cannot go on with, when another starter is
 * at it for minutes, or a migration fails.
 */
export async function migrate(database: Database): Promise<string[]> {
  return await applyMigrations(
    database.kysely,
    new URL('.', import.meta.resolve('#migrations/001_create_catalog_table.sql')),
  )
}

/** As `migrate`, with the folder of the numbered `.sql` files, a URL ending in a slash. */
export async function applyMigrations(
  kysely: Kysely<CatalogSchema>,
  folder: URL,
  waits: { starter: number; table: number } = LOCK_WAITS_MS,
): Promise<string[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  // Before anything is read there: a view runs what its owner wrote.
  await refuseForeignOwners(kysely)
  if (missing(files, await appliedMigrations(kysely)).length === 0) return []
  return await inTransaction(kysely, async trx => {
    await waitWithoutBound(trx)
    await limitLockWaits(trx, waits.starter)
    await sql`select pg_catalog.pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)}::bigint)`.execute(trx)
    // Whoever waits for a table makes all others wait who come after.
    await limitLockWaits(trx, waits.table)
    await createLedgers(trx)
    // Anew, since one that came first may have made the schema meanwhile.
    await refuseForeignOwners(trx)
    const names = missing(files, await appliedMigrations(trx))
    for (const name of names) {
      const text = await readFile(new URL(name, folder), 'utf8')
      // The name goes first: should two starters ever get this far, the second one fails on it.
      await record(trx, { name, usableFrom: MAY_GO_ON.exec(text.split('\n', 1)[0] ?? '')?.[1] ?? null })
      await sql.raw(text).execute(trx)
    }
    await shutOutPublic(trx)
    return names
  })
}

async function limitLockWaits(trx: Transaction<CatalogSchema>, timeoutMs: number): Promise<void> {
  await sql`set local lock_timeout = ${sql.lit(timeoutMs)}`.execute(trx)
}

/**
 * Programs of before there were two ledgers look into `migrations` only, and refuse what they do not know there. So what older
 * programs can go on with stands in `additions`. CREATE SCHEMA asks for the right to create even where the schema exists,
 * hence the look beforehand.
 */
async function createLedgers(kysely: Kysely<CatalogSchema>): Promise<void> {
  await sql`
    do $$ begin
      if to_regnamespace('control_plane') is null then create schema control_plane; end if;
      if to_regclass('control_plane.migrations') is null then
        create table control_plane.migrations (name text primary key, applied_at timestamptz not null default now());
      end if;
      if to_regclass('control_plane.additions') is null then
        create table control_plane.additions (
          name text primary key, usable_from text not null, applied_at timestamptz not null default now());
      end if;
    end $$
  `.execute(kysely)
}

async function record(kysely: Kysely<CatalogSchema>, { name, usableFrom }: Applied): Promise<void> {
  await (usableFrom === null
    ? sql`insert into control_plane.migrations (name) values (${name})`
    : sql`insert into control_plane.additions (name, usable_from) values (${name}, ${usableFrom})`
  ).execute(kysely)
}

async function appliedMigrations(kysely: Kysely<CatalogSchema>): Promise<Applied[]> {
  try {
    const { rows } = await sql<Applied>`
      select name, null as "usableFrom" from control_plane.migrations
       union all
      select name, usable_from from control_plane.additions
    `.execute(kysely)
    return rows
  } catch (error) {
    // A new catalog, or one of before: which one shows under the lock.
    if (error instanceof CatalogError && errorCode(error.cause) === UNDEFINED_TABLE) return []
    throw error
  }
}

function missing(files: string[], applied: Applied[]): string[] {
  const newest = files.at(-1)?.slice(0, 3) ?? ''
  const tooNew = applied.find(
    ({ name, usableFrom }) => !files.includes(name) && (usableFrom === null || usableFrom > newest),
  )
  if (tooNew) {
    throw new CatalogError(`The catalog was made by a newer version (it has migration ${tooNew.name})`, {
      code: 'CATALOG',
      hint: 'Update telegram-backup on this machine; an older version could damage the catalog.',
    })
  }
  const names = new Set(applied.map(({ name }) => name))
  return files.filter(name => !names.has(name))
}
