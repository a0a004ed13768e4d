import type { Connector } from '#connector.ts'
import type { PostgresTarget } from '#postgres/connection.ts'
import { contentsIn } from '#postgres/contents-record.ts'
import { contentsWords } from '#postgres/contents-words.ts'
import { beginsAsCustomDump, beginsAsPlainDump } from '#postgres/dump-head.ts'
import {
  choosePostgres,
  POSTGRES_SETTINGS,
  type PostgresChoice,
  type PostgresSettings,
} from '#postgres/settings.ts'
import type { SourceRecord } from '#recorded-backup.ts'
import { inWords, recordedCount, recordedName } from '#source-words.ts'

/** Only a dump whose rows were counted has the number of its tables. */
function recordedTables({ contents }: SourceRecord): string | undefined {
  if (typeof contents !== 'object' || contents === null) return undefined
  return recordedCount(contents as SourceRecord, 'tables', 'table')
}

export const POSTGRES: Connector<PostgresChoice, PostgresTarget, PostgresSettings> = {
  kind: 'postgres',
  place: 'postgres',
  settings: POSTGRES_SETTINGS,
  choose: choosePostgres,

  assertUsable: async ({ url }) => {
    const { parsePostgresUrl } = await import('#postgres/connection.ts')
    parsePostgresUrl(url)
  },
  open: async ({ url, options }, { signal }) => {
    const { openPostgresSource } = await import('#postgres/dump/pg-dump-source.ts')
    return await openPostgresSource(url, { ...options, signal })
  },
  check: async (choice, of) => {
    const { checkDatabase } = await import('#postgres/dump/source-check.ts')
    return await checkDatabase(choice, of)
  },
  preview: async (choice, of) => {
    const { previewDatabase } = await import('#postgres/dump/preview-database.ts')
    return await previewDatabase(choice, of)
  },
  setup: {
    type: 'database',
    find: async signal => (await import('#postgres/find-databases.ts')).findDatabases(signal),
    read: async typed => (await import('#postgres/find-databases.ts')).readTypedUrl(typed),
  },
  programs: [
    {
      name: 'pg_dump',
      look: async signal => (await import('#postgres/program-checks.ts')).checkPgDump(signal),
    },
    { name: 'psql', look: async signal => (await import('#postgres/program-checks.ts')).checkPsql(signal) },
  ],
  hideSource: async ({ url }, name) => {
    const { HIDDEN_NAME, namingSource } = await import('#postgres/hide-place.ts')
    const { parsePostgresUrl } = await import('#postgres/connection.ts')
    const of = { name: name ?? HIDDEN_NAME, connection: parsePostgresUrl(url) }
    return error => namingSource(error, of)
  },
  describe: facts => {
    const [host, database, version] = ['host', 'database', 'server_version'].map(name =>
      recordedName(facts, name),
    )
    const place = database === undefined ? undefined : `${host ?? 'this machine'}/${database}`
    const server = version === undefined ? undefined : `PostgreSQL ${version}`
    return {
      place: inWords([place, server]),
      holds: inWords([recordedTables(facts)]),
      contents: contentsWords(facts),
    }
  },

  restore: {
    makes: 'database',
    shown: 'URL',
    form: /^postgres(ql)?:\/\//i,
    wishes: ['keepOld', 'createRoles', 'databasePart', 'owners'],
    takesOthers: true,
    readTarget: async text => {
      const { parsePostgresUrl } = await import('#postgres/connection.ts')
      return { kind: 'postgres', connection: parsePostgresUrl(text) }
    },
    plan: async (target, backup, of) => {
      const { planRestore } = await import('#postgres/restore/plan-restore.ts')
      return await planRestore(target, backup, of)
    },
    check: async ({ connection }, signal) => {
      const { checkTarget } = await import('#postgres/restore/target-check.ts')
      return await checkTarget(connection, signal)
    },
    hideTarget: async ({ connection }, name) => {
      const { namingTarget } = await import('#postgres/hide-place.ts')
      return error => namingTarget(error, { name, connection })
    },
  },

  drill: {
    check: async (backup, place) => {
      const { checkDatabaseDrill } = await import('#postgres/drill/drill-database.ts')
      await checkDatabaseDrill(backup, place)
    },
    run: async (backup, drill) => {
      const { drillDatabase } = await import('#postgres/drill/drill-database.ts')
      return await drillDatabase(backup, drill)
    },
    checkServer: async ({ connection }, signal) => {
      const { checkDrillServer } = await import('#postgres/drill/drill-database.ts')
      await checkDrillServer(connection, signal)
    },
    recordedTables: ({ source }) => {
      const contents = contentsIn(source)
      if (contents === undefined) return undefined
      const named = contents.rows.map(([schema, name, rows]) => ({ table: `${schema}.${name}`, rows }))
      return { named, total: contents.tables }
    },
    recognizes: head => beginsAsCustomDump(head) || beginsAsPlainDump(head),
  },
}
