import { readdir, readFile } from 'node:fs/promises'
import { type Kysely, sql, type Transaction } from 'kysely'
import { CatalogError, errorCode } from '#catalog-error.ts'
import { refuseForeignOwners, shutOutPublic } from '#catalog-owners.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction, waitWithoutBound } from '#connections.ts'
import type { Database } from '#database.ts'

// The same constant in every process: 'tgbackup' in ASCII.
const MIGRATION_LOCK = '8387218650087945584'
const UNDEFINED_TABLE = '42P01'

/** How long to wait for another process that migrates, and for each lock on a table in use. */
const LOCK_WAITS_MS = { starter: 300_000, table: 30_000 }

/**
 * The first line of a migration may say which older programs can work with its schema: those that know this
 * migration or a later one. Without it, older programs are refused.
 */
const MAY_GO_ON = /^-- Programs that know (\d{3}) may go on\.$/

/** An applied migration; `usableFrom` is null when programs that do not know it must not continue. */
interface Applied {
  name: string
  usableFrom: string | null
}

/**
 * Applies all missing migrations in one transaction, or none. Several processes may call it at once. Returns
 * the names applied now; without any it costs two queries. CatalogError CONFIGURATION when an object in the
 * catalog belongs to a strange role, see `refuseForeignOwners`; CATALOG when a newer version made the catalog
 * and this one cannot work with it, another process migrates for minutes, or a migration fails.
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
  // Before any read: a view runs what its owner wrote.
  await refuseForeignOwners(kysely)
  if (missing(files, await appliedMigrations(kysely)).length === 0) return []
  return await inTransaction(kysely, async trx => {
    await waitWithoutBound(trx)
    await limitLockWaits(trx, waits.starter)
    await sql`select pg_catalog.pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)}::bigint)`.execute(trx)
    // A waiting lock on a table also blocks all later ones.
    await limitLockWaits(trx, waits.table)
    await createLedgers(trx)
    // Again, since another process may have made the schema meanwhile.
    await refuseForeignOwners(trx)
    const names = missing(files, await appliedMigrations(trx))
    for (const name of names) {
      const text = await readFile(new URL(name, folder), 'utf8')
      // The name goes first: if two processes ever get this far, the second fails on it.
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
 * The oldest programs read only `migrations` and refuse unknown names there. So additions that they can work
 * with stand in `additions`. CREATE SCHEMA needs the right to create even where the schema exists, hence the
 * check before it.
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
    // A new catalog, or one of an old version: the next look, under the lock, tells.
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
