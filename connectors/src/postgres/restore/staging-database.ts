import { randomUUID } from 'node:crypto'
import { openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BackupError } from '@telegram-backup/errors'
import type { ClientProgram } from '#postgres/client-programs.ts'
import { atDatabase, type PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import {
  createStatement,
  type DatabaseProperties,
  lastStatements,
  propertyStatements,
} from '#postgres/restore/database-properties.ts'
import { refusedByPostgres } from '#postgres/restore/postgres-words.ts'
import type { Target } from '#postgres/restore/target-database.ts'
import { refuseSharedSessions } from '#postgres/shared-sessions.ts'
import { quoteName, quoteText } from '#postgres/sql-text.ts'
import { PipedProgram } from '#programs/piped-program.ts'

export interface StagingDatabaseOptions {
  target: Target
  psql: ClientProgram
  /** Names of the new database, and of the old one once it is replaced. */
  staging: string
  before: string
  like: DatabaseProperties | undefined
  /** Roles that the restore makes; before that, nothing can be given to them. */
  newRoles: readonly string[]
  keepOld: boolean
  /** Owns a database without recorded properties; by default the user of the connection. */
  owner?: string | undefined
  session: string
}

/** How often returning sessions are ended; each try of PostgreSQL takes up to five seconds. */
const SWAP_TRIES = 8

/** Replaces the target at the end. Its psql outlives us and cleans up: `sql/staging-database.sql`. */
export class StagingDatabase {
  readonly connection: PostgresConnection
  readonly #options: StagingDatabaseOptions
  readonly #psql: PipedProgram

  private constructor(options: StagingDatabaseOptions) {
    const { target, psql, staging, before, keepOld, session } = options
    const { maintenance } = target.server
    const variables = {
      target: target.name,
      staging,
      before,
      old_oid: String(target.database?.oid ?? 0),
      keep: keepOld ? 'yes' : 'no',
      session,
    }
    const script = fileURLToPath(import.meta.resolve('#sql/staging-database.sql'))
    this.#options = options
    this.connection = atDatabase(maintenance, staging)
    this.#psql = new PipedProgram(
      psql.path,
      [
        ...['-X', '-q', '-A', '-t', '-w', '--no-readline', '-d', maintenance.uri],
        ...Object.entries(variables).flatMap(([name, value]) => ['-v', `${name}=${value}`]),
        ...['-f', script],
      ],
      {
        environment: { ...maintenance.environment, PGCLIENTENCODING: 'UTF8' },
        wordsFile: openNamelessFile(),
      },
    )
  }

  /** Makes the database. Throws `POSTGRES`, or `CONFIGURATION` behind a pooler, after dropping it again. */
  static async create(options: StagingDatabaseOptions): Promise<StagingDatabase> {
    const { target, staging, like } = options
    const database = new StagingDatabase(options)
    const major = Math.floor(target.server.versionNumber / 10_000)
    await database.#psql.write(`${createStatement(staging, like, major)}\n`)
    // Missing rights should show before hours of work.
    const early = options.newRoles.length === 0 ? propertyStatements(staging, like) : []
    if (like === undefined && options.owner !== undefined)
      early.push(`ALTER DATABASE ${quoteName(staging)} OWNER TO ${quoteName(options.owner)};`)
    await database.#psql.write(`${asOneStatement(early)}\n`)
    if ((await database.#psql.said('created\n')) && /^created$/m.test(database.#psql.output)) {
      await refuseSharedSessions(database.connection, { psql: options.psql.path }).catch(async error => {
        await database.discard()
        throw error
      })
      return database
    }
    const { words } = await database.#psql.finish()
    throw refusedByPostgres(`The database ${staging} cannot be created`, words)
  }

  /**
   * Gives it the target's name and last properties, in one transaction. Resolves to whether the old database
   * is gone, which a replication slot can prevent. Throws `POSTGRES`, `UNKNOWN_OUTCOME`.
   */
  async swapIn(): Promise<boolean> {
    await this.#psql.write(`${swapStatement(this.#options)}\n`)
    const { words } = await this.#psql.finish()
    const isIn = /^swapped$/m.test(this.#psql.output)
    if (!isIn && !tellsOfFailure(words)) {
      throw new BackupError('It is unknown whether the restored database replaced the old one', {
        code: 'UNKNOWN_OUTCOME',
        hint: `Look whether ${this.#options.staging} or ${this.#options.before} exists.`,
      })
    }
    if (!isIn) throw refusedByPostgres('The restored database cannot replace the old one', words)
    return !tellsOfFailure(words)
  }

  /** Drops it; the target stays as it was. Throws `POSTGRES` when it cannot be dropped. */
  async discard(): Promise<void> {
    await dropSubscriptions(this.connection, this.#options.psql.path)
    const { exitCode, words } = await this.#psql.finish()
    if (exitCode !== 0 || tellsOfFailure(words))
      throw refusedByPostgres(`The database ${this.#options.staging} cannot be dropped again`, words)
  }
}

/**
 * Removes the subscriptions of a database, which would prevent dropping it, from inside, as PostgreSQL wants
 * it. Their slots on other servers stay. A failure shows when the database is dropped.
 */
export async function dropSubscriptions(database: PostgresConnection, psql: string): Promise<void> {
  await queryJson(database, DROP_SUBSCRIPTIONS, { psql, mode: 'read write' }).catch(() => {})
}

const DROP_SUBSCRIPTIONS = `do $$ declare name pg_catalog.text; begin
  for name in select subname from pg_catalog.pg_subscription
    where subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()) loop
    execute pg_catalog.format('alter subscription %I disable', name);
    execute pg_catalog.format('alter subscription %I set (slot_name = none)', name);
    execute pg_catalog.format('drop subscription %I', name);
  end loop;
end $$`

/** Warnings do not count: each connection may give some, for example about a changed collation. */
function tellsOfFailure(words: string): boolean {
  return /\b(ERROR|FATAL|PANIC|error):/.test(words)
}

function swapStatement({ target, staging, before, like, newRoles, keepOld }: StagingDatabaseOptions): string {
  const name = quoteName(target.name)
  const old = target.database
  const rename = `ALTER DATABASE ${quoteName(staging)} RENAME TO ${name};`
  const kept = keepOld
    ? `COMMENT ON DATABASE ${quoteName(before)} IS 'telegram-backup: kept from before a restore';`
    : ''
  const makeRoom = `ALTER DATABASE ${name} RENAME TO ${quoteName(before)}; ${kept}`
  return asOneStatement([
    `FOR try IN 1..${SWAP_TRIES} LOOP
      PERFORM pg_catalog.pg_stat_clear_snapshot();
      PERFORM pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
        WHERE datname IN (${quoteText(target.name)}, ${quoteText(staging)}) AND pid <> pg_catalog.pg_backend_pid()
          AND backend_type = 'client backend';
      BEGIN
        ${old === undefined ? '' : makeRoom} ${rename}
        EXIT;
      EXCEPTION WHEN object_in_use THEN
        IF try = ${SWAP_TRIES} THEN RAISE; END IF;
      END;
    END LOOP;`,
    ...(newRoles.length === 0 ? [] : propertyStatements(target.name, like)),
    ...lastStatements(target.name, like),
  ])
}

/** Joins statements into one, in one line; none for none. */
function asOneStatement(statements: readonly string[]): string {
  const body = statements.join(' ').replaceAll('\n', ' ')
  const tag = dollarTagNotIn(body)
  return body === '' ? '' : `DO ${tag} BEGIN ${body} END ${tag};`
}

function openNamelessFile(): number {
  const path = join(tmpdir(), `telegram-backup-${randomUUID()}`)
  const fd = openSync(path, 'wx+', 0o600)
  rmSync(path)
  return fd
}

/** A dollar quote that is not in the text. */
function dollarTagNotIn(text: string): string {
  let tag = '$swap$'
  while (text.includes(tag)) tag = `${tag.slice(0, -1)}_$`
  return tag
}
