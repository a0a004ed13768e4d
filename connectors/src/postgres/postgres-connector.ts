import type { Connector } from '#connector.ts'
import type { PostgresTarget } from '#postgres/connection.ts'
import { beginsAsCustomDump, beginsAsPlainDump } from '#postgres/dump-head.ts'
import {
  choosePostgres,
  POSTGRES_SETTINGS,
  type PostgresChoice,
  type PostgresSettings,
} from '#postgres/settings.ts'

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

  restore: {
    makes: 'database',
    shown: 'URL',
    form: /^postgres(ql)?:\/\//i,
    wishes: ['keepOld', 'createRoles', 'databasePart'],
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
    recognizes: head => beginsAsCustomDump(head) || beginsAsPlainDump(head),
  },
}
