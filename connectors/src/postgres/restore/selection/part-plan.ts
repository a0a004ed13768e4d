import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import { type ClientProgram, newestClientProgram } from '#postgres/client-programs.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { assertKnowsRestrict } from '#postgres/restore/database-plan.ts'
import {
  type RestoringRole,
  readRestoringRole,
  rightsBeyond,
  rolesIn,
} from '#postgres/restore/restoring-role.ts'
import { asBytes, asText, keyOf, type RelationName } from '#postgres/restore/selection/dump-names.ts'
import { typed, type WantedPart } from '#postgres/restore/selection/wanted-part.ts'
import { saysNoSuchDatabase } from '#postgres/restore/target-database.ts'
import { refuseSharedSessions } from '#postgres/shared-sessions.ts'
import type { RecordedBackup } from '#recorded-backup.ts'

/** How a part comes back into a database that exists. */
export interface PartPlan {
  connection: PostgresConnection
  psql: ClientProgram
  role: RestoringRole
  /** Rights of that role that the restore does not need, for people. */
  rights: string | undefined
  versionNumber: number
  wanted: WantedPart
  /** Those of the wanted schemas that the database has; they are empty, unless rows alone come back. */
  presentSchemas: string[]
}

interface TargetState {
  versionNumber: number
  isStandby: boolean
  schemas: string[]
  relations: Array<{ schema: string; name: string; kind: string }>
  /** Number of tables, types, functions … in each wanted schema that is not empty. */
  filled: Record<string, number>
}

const STATE = `
with wanted as (
  select w ->> 0 as schema, w ->> 1 as name from pg_catalog.jsonb_array_elements(:'wanted'::pg_catalog.jsonb) w
), owned as (
  select relnamespace as space from pg_catalog.pg_class union all select typnamespace from pg_catalog.pg_type
  union all select pronamespace from pg_catalog.pg_proc union all select oprnamespace from pg_catalog.pg_operator
  union all select collnamespace from pg_catalog.pg_collation union all select cfgnamespace from pg_catalog.pg_ts_config
)
select pg_catalog.jsonb_build_object(
  'versionNumber', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'isStandby', pg_catalog.pg_is_in_recovery(),
  'schemas', (select coalesce(pg_catalog.jsonb_agg(nspname), '[]') from pg_catalog.pg_namespace
    where nspname in (select schema from wanted)),
  'relations', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'schema', nspname, 'name', relname, 'kind', relkind)), '[]')
    from pg_catalog.pg_class join pg_catalog.pg_namespace n on n.oid = relnamespace
    where (nspname, relname) in (select schema, name from wanted)),
  'filled', (select coalesce(pg_catalog.jsonb_object_agg(nspname, objects), '{}') from (
    select nspname, (select pg_catalog.count(*) from owned where space = n.oid) as objects
    from pg_catalog.pg_namespace n where nspname in (select schema from wanted where name is null)) counts
    where objects > 0)
)`

/**
 * Looks whether a part can come back into an existing database; changes nothing. Throws `USAGE` when it is
 * there already, `CONFIGURATION` when there is no such database or schema, and what a query throws.
 */
export async function planPart(
  wanted: WantedPart,
  of: { connection: PostgresConnection; backup: Pick<RecordedBackup, 'source'>; signal: AbortSignal },
): Promise<PartPlan> {
  const { connection, backup, signal } = of
  const psql = await newestClientProgram('psql', signal)
  if (backup.source?.['kind'] !== 'postgres') assertKnowsRestrict(psql)
  if (connection.database === undefined) {
    throw new BackupError('The URL names no database', {
      code: 'USAGE',
      hint: 'Write postgresql://USER@HOST:PORT/DATABASE.',
    })
  }
  const state = await lookAt(wanted, { connection, psql: psql.path, signal })
  if (state.isStandby) throw refused('The server is a standby, which cannot be written to')
  if (wanted.only === 'rows') assertTables(wanted, state)
  else assertFree(wanted, state)
  const role = await readRestoringRole(connection, { psql: psql.path, signal })
  return {
    ...{ connection, psql, role, wanted },
    rights: rightsBeyond(role, rolesIn(backup.source?.['roles'])),
    versionNumber: state.versionNumber,
    presentSchemas: state.schemas.map(asBytes),
  }
}

async function lookAt(
  { tables, as, schemas }: WantedPart,
  { connection, psql, signal }: { connection: PostgresConnection; psql: string; signal: AbortSignal },
): Promise<TargetState> {
  const relations = as === undefined ? tables : [as]
  const wanted = JSON.stringify([
    ...relations.map(({ schema, name }) => [asText(schema), asText(name)]),
    ...schemas.map(schema => [asText(schema)]),
  ])
  try {
    await refuseSharedSessions(connection, { psql, signal })
    return (await queryJson(connection, STATE, { psql, signal, variables: { wanted } })) as TargetState
  } catch (error) {
    if (!saysNoSuchDatabase(error)) throw error
    throw refused(
      `There is no database ${connection.database}`,
      'A part of a backup is restored into a database that exists. Create it first, or restore the whole backup, which creates it.',
    )
  }
}

/** The tables are there, to get their rows. */
function assertTables({ tables, schemas }: WantedPart, { relations, schemas: present }: TargetState): void {
  const known = new Set(relations.filter(({ kind }) => 'rp'.includes(kind)).map(keyOfText))
  const table = tables.find(one => !known.has(keyOf(one)))
  if (table !== undefined) {
    throw refused(
      `The database has no table ${typed(table)} for the rows`,
      hint`Leave out ${option('data-only')} to restore the table with its rows.`,
    )
  }
  assertSchemas(schemas, present)
}

/** Nothing of that name is there; its schema is. */
function assertFree(
  { tables, as, schemas }: WantedPart,
  { relations, schemas: present, filled }: TargetState,
): void {
  const wanted = as === undefined ? tables : [as]
  const known = new Set(relations.map(keyOfText))
  const table = wanted.find(one => known.has(keyOf(one)))
  if (table !== undefined) {
    throw new BackupError(`The database has a relation ${typed(table)} already`, {
      code: 'USAGE',
      hint:
        as === undefined
          ? hint`Nothing that exists is changed. Give ${option('as', `${typed(table)}_restored`)} to restore the table beside it, ${option('data-only')} for the rows of an empty table; or rename or drop it first.`
          : hint`Nothing that exists is changed. Give ${option('as')} another name, or drop that table first.`,
    })
  }
  assertSchemas(
    wanted.map(({ schema }) => schema),
    present,
  )
  const full = schemas.find(schema => Object.hasOwn(filled, asText(schema)))
  if (full === undefined) return
  throw new BackupError(`The schema ${asText(full)} of the database is not empty`, {
    code: 'USAGE',
    hint: hint`Nothing that exists is changed. Restore single tables with ${option('table')}, or rename the schema first.`,
  })
}

function assertSchemas(schemas: readonly string[], present: readonly string[]): void {
  const missing = schemas.map(asText).find(schema => !present.includes(schema))
  if (missing === undefined) return
  throw refused(
    `The database has no schema ${missing}`,
    hint`Create it first: CREATE SCHEMA; or restore all that was in it with ${option('schema')}.`,
  )
}

function keyOfText({ schema, name }: { schema: string; name: string }): string {
  return keyOf({ schema: asBytes(schema), name: asBytes(name) } satisfies RelationName)
}

function refused(message: string, advice?: string | Hint): BackupError {
  return new BackupError(message, { code: 'CONFIGURATION', hint: advice })
}
