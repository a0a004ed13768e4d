import { CompiledQuery, type Kysely, sql } from 'kysely'
import { CatalogError, errorCode } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { type ForeignObject, foreignObject, foreignOwner, SCHEMAS, TRUSTED } from '#foreign-owners.ts'
import { lockByName } from '#named-locks.ts'

/**
 * CatalogError CONFIGURATION when an object of the catalog belongs to a strange role, see `foreignObject`.
 */
export async function refuseForeignOwners(kysely: Kysely<CatalogSchema>): Promise<void> {
  const { rows } = await kysely.executeQuery<ForeignObject>(CompiledQuery.raw(foreignObject))
  const [foreign] = rows
  if (foreign !== undefined) throw foreignOwner(foreign)
}

/** Another process made the schema at the same time, and was faster. */
const MADE_MEANWHILE: ReadonlySet<string | undefined> = new Set(['23505', '42P06'])

/**
 * Makes the schema of the queue unless it exists, and checks its owner before anything is made or called in
 * it. Otherwise a role that may create schemas could make it between the look of `migrate` and the start of
 * the queue, and own what the queue runs. `isNew`: it is empty; the caller calls `closeQueueSchema` once it
 * is filled. CatalogError CONFIGURATION as `refuseForeignOwners`.
 */
export async function makeQueueSchema({ kysely }: Database): Promise<{ isNew: boolean }> {
  const make = (): Promise<{ isNew: boolean }> =>
    inTransaction(kysely, async trx => {
      await sql`do $$ begin
        if pg_catalog.to_regnamespace('pgboss') is null then create schema pgboss; end if;
      end $$`.execute(trx)
      await refuseForeignOwners(trx)
      const { rows } = await sql`
        select from pg_catalog.pg_class where relnamespace = pg_catalog.to_regnamespace('pgboss') limit 1`.execute(
        trx,
      )
      return { isNew: rows.length === 0 }
    })
  return await make().catch(async (error: unknown) => {
    const isMade = error instanceof CatalogError && MADE_MEANWHILE.has(errorCode(error.cause))
    if (!isMade) throw error
    return await make()
  })
}

/** As `shutOutPublic`, one process at a time: PostgreSQL refuses two that revoke the same right at once. */
export async function closeQueueSchema({ kysely }: Database): Promise<void> {
  await inTransaction(kysely, async trx => {
    await lockByName(trx, 'control_plane: rights')
    await shutOutPublic(trx)
  })
}

/**
 * Revokes from PUBLIC what default privileges may have granted. Rights of named roles stay; see
 * `rolesWithRights`.
 */
export async function shutOutPublic(kysely: Kysely<CatalogSchema>): Promise<void> {
  await sql`
    do $$ declare name text; begin
      for name in select nspname from pg_catalog.pg_namespace where nspname in ('control_plane', 'pgboss') loop
        execute pg_catalog.format('revoke all on schema %I from public', name);
        execute pg_catalog.format('revoke all on all tables in schema %I from public', name);
        execute pg_catalog.format('revoke all on all sequences in schema %I from public', name);
        execute pg_catalog.format('revoke all on all routines in schema %I from public', name);
      end loop;
    end $$
  `.execute(kysely)
}

/** The names of strange roles, `PUBLIC` among them, that have any right in the catalog's schemas. */
export async function rolesWithRights({ kysely }: Database): Promise<string[]> {
  const { rows } = await sql<{ role: string }>`
    with ${sql.raw(TRUSTED)}, schemas as (
      select oid, nspacl from pg_catalog.pg_namespace where nspname = any (${sql.raw(SCHEMAS)})
    ), lists (acl) as (
      select nspacl from schemas
       union all
      select relacl from pg_catalog.pg_class join schemas on relnamespace = schemas.oid
       union all
      select attacl from pg_catalog.pg_attribute
        join pg_catalog.pg_class on attrelid = pg_class.oid join schemas on relnamespace = schemas.oid
    )
    select distinct case granted.grantee when 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(granted.grantee)::text end as role
      from lists cross join lateral pg_catalog.aclexplode(acl) granted
     where granted.grantee not in (select role from trusted)
     order by role
  `.execute(kysely)
  return rows.map(({ role }) => role)
}
