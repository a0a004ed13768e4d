import type { BackupType } from 'telegram-deployment-bot'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { dumpFileName } from '#postgres/dump/pg-dump-source.ts'
import { checkDatabase } from '#postgres/dump/source-check.ts'
import { queryJson } from '#postgres/psql.ts'
import type { PostgresChoice } from '#postgres/settings.ts'
import { readSelection } from '#postgres/table-patterns.ts'
import type { SourcePreview } from '#preview.ts'

/** By pg_class alone: measuring a table would wait for its locks. TOAST counts with its table. */
const SIZES = `
select pg_catalog.jsonb_build_object(
  'database', pg_catalog.current_database(),
  'size', pg_catalog.pg_database_size(pg_catalog.current_database()),
  'user', current_user,
  'tables', (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(nspname, class.relname,
      (class.relpages::pg_catalog.int8 + coalesce(toast.relpages, 0)) * pg_catalog.current_setting('block_size')::pg_catalog.int8)), '[]')
    from pg_catalog.pg_class class join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
    left join pg_catalog.pg_class toast on toast.oid = class.reltoastrelid
    where class.relkind in ('r', 'm') and nspname !~ '^pg_' and nspname <> 'information_schema'))`

interface Sizes {
  database: string
  size: number
  user: string
  tables: [schema: string, name: string, bytes: number][]
}

/** What pg_dump would dump. Throws why it could not. */
export async function previewDatabase(
  choice: PostgresChoice,
  { type, signal }: { type: BackupType; signal: AbortSignal },
): Promise<SourcePreview> {
  const { url, options } = choice
  await checkDatabase(choice, { type, signal })
  const { database, size, user, tables } = (await queryJson(parsePostgresUrl(url), SIZES, {
    signal,
  })) as Sizes
  const selection = readSelection(options)
  const dumped = tables.filter(([schema, name]) => {
    const isVisible = schema === 'public' || schema === user
    return selection?.isDumpedWithData({ schema, name, isVisible })
  })
  return {
    filename: dumpFileName(database, options),
    bytes: selection && dumped.reduce((sum, [, , bytes]) => sum + bytes, 0),
    isExact: false,
    database: { sizeBytes: size, tables: selection && dumped.length },
  }
}
