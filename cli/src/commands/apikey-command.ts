import type { ApiKey, ApiScope } from '@telegram-backup/database'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import {
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import { EXPIRES_HELP, expiryOf, keyState, registerKeyRevoke } from '#commands/key-options.ts'
import type { Output } from '#commands/output.ts'
import { shownState } from '#commands/shown-state.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

interface CreateOptions {
  name: string
  scope: string[]
  project?: string
  expires?: string
  json?: boolean
}

/** `apikey create|list|revoke`: the keys of the HTTP API. */
export const registerApikey: RegisterCommand = (program, run) => {
  const group = describeGroup(program.command('apikey'), {
    description: 'create, list and revoke keys for the HTTP API',
    examples: [
      'telegram-backup apikey create --name grafana --scope read',
      'telegram-backup apikey list --json',
    ],
  })
  for (const register of [registerCreate, registerList, registerRevoke]) register(group, run)
}

const registerCreate: RegisterCommand = (group, run) => {
  const command = group
    .command('create')
    .requiredOption('--name <name>', 'a name that says what the key is for')
    .requiredOption(
      '--scope <scopes>',
      'what the key may do: read, backup, restore, admin; separated by commas',
      collectScopes,
      [],
    )
  describeCommand(command, {
    description: 'create a key and print it; it is shown only once, because only its hash is stored',
    options: {
      '--project <id>': 'limit the key to this project',
      ...EXPIRES_HELP,
    },
    examples: [
      'telegram-backup apikey create --name grafana --scope read',
      'telegram-backup apikey create --name shop-deploy --scope read,backup --project shop --expires 90d --json',
    ],
  }).action((options: CreateOptions) =>
    run(async context => {
      const { createApiKey } = await import('@telegram-backup/database')
      const { name, scope, project, expires } = options
      if (scope.length === 0) {
        throw usageError(
          'A key needs a scope, which says what the key may do',
          'Give one or more of read, backup, restore, admin, for example --scope read,backup.',
        )
      }
      const request = {
        name,
        // The catalog refuses unknown scopes.
        scopes: scope as ApiScope[],
        projectId: project,
        expiresAt: expiryOf(expires),
      }
      const { apiKey, key } = await withCatalog(context, database => createApiKey(database, request))
      context.output.answer({ id: apiKey.id, key }, () => describeNew(apiKey, key))
      return ExitCode.DONE
    }, options),
  )
}

function collectScopes(value: string, before: readonly string[]): string[] {
  return [...before, ...value.split(',').map(scope => scope.trim())]
}

function describeNew(apiKey: ApiKey, key: string): string {
  return [
    `Key ${apiKey.id}: ${apiKey.scopes.join(', ')}${apiKey.project_id === null ? '' : `, only for project ${apiKey.project_id}`}`,
    '',
    `  ${key}`,
    '',
    'The key is shown only once. Send it as the header: Authorization: Bearer KEY',
  ].join('\n')
}

const registerList: RegisterCommand = (group, run) => {
  describeCommand(group.command('list'), {
    description:
      'list the keys: what each may do, and when it was last used; the keys themselves are not stored',
    examples: ['telegram-backup apikey list'],
  }).action((options: { json?: boolean }) =>
    run(async context => {
      const { listApiKeys } = await import('@telegram-backup/database')
      const keys = await withCatalog(context, listApiKeys)
      context.output.answer(keys, () => describeKeys(keys, { now: new Date(), output: context.output }))
      return ExitCode.DONE
    }, options),
  )
}

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'NAME', least: 8 },
  { heading: 'KEY', leavesAs: 2 },
  { heading: 'SCOPES', least: 8 },
  { heading: 'PROJECT', least: 7 },
  { heading: 'STATE' },
  { heading: 'LAST USED', leavesAs: 1 },
]

function describeKeys(keys: readonly ApiKey[], { now, output }: { now: Date; output: Output }): Text {
  if (keys.length === 0) return 'No keys yet. To create one, see: telegram-backup apikey create --help'
  const rows = keys.map(key => [
    key.id,
    key.name,
    `${key.prefix}…`,
    key.scopes.join(','),
    key.project_id ?? 'all',
    shownState(keyState(key, now)),
    key.last_used_at === null ? 'never' : formatTime(key.last_used_at),
  ])
  return linesOf([output.table(COLUMNS, rows), count(keys.length, 'key')])
}

const registerRevoke: RegisterCommand = (group, run) => {
  registerKeyRevoke(group, run, {
    ...{ called: 'API key', group: 'apikey', examples: ['0b0f7a52', 'grafana'] },
    list: async database => await (await import('@telegram-backup/database')).listApiKeys(database),
    revoke: async (database, id) =>
      await (await import('@telegram-backup/database')).revokeApiKey(database, id),
  })
}
