import type { ApiKey, ApiScope, Database } from '@telegram-backup/database'
import { count, formatDay, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { parseExpiry } from '@telegram-backup/engine/units/quantities.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import {
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
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
      '--expires <when>': 'when the key stops working: 12h, 90d or 52w from now, or a date (default: never)',
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
        expiresAt: expires === undefined ? undefined : parseExpiry(expires),
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
    shownState(stateOf(key, now)),
    key.last_used_at === null ? 'never' : formatTime(key.last_used_at),
  ])
  return linesOf([output.table(COLUMNS, rows), count(keys.length, 'key')])
}

function stateOf({ revoked_at, expires_at }: ApiKey, now: Date): string {
  if (revoked_at !== null) return 'revoked'
  if (expires_at === null) return 'valid'
  return expires_at > now ? `valid until ${formatDay(expires_at)}` : 'expired'
}

const registerRevoke: RegisterCommand = (group, run) => {
  describeCommand(group.command('revoke'), {
    description: 'revoke a key; from now on, requests with this key are refused',
    argument: [
      '<id>',
      'the key’s id from "telegram-backup apikey list", its first eight characters, or its name if only one key in use has that name',
    ],
    examples: ['telegram-backup apikey revoke 0b0f7a52', 'telegram-backup apikey revoke grafana'],
  }).action((which: string, options: { json?: boolean }) =>
    run(async context => {
      const id = await withCatalog(context, database => revoke(database, which))
      context.output.outcome({ success: true, id, revoked: true }, () => `Key ${id} is revoked.`)
      return ExitCode.DONE
    }, options),
  )
}

/** The full id of the key that the user means. Throws `NOT_FOUND`, and `USAGE` if several keys match. */
async function revoke(database: Database, which: string): Promise<string> {
  const { listApiKeys, revokeApiKey } = await import('@telegram-backup/database')
  const [key, ...others] = keysMeant(await listApiKeys(database), which, new Date())
  const words = JSON.stringify(which.slice(0, 80))
  if (key === undefined) {
    throw new BackupError(`No key has the id or the name ${words}`, {
      code: 'NOT_FOUND',
      hint: 'telegram-backup apikey list shows the keys. Give at least the first eight characters of an id.',
    })
  }
  if (others.length > 0) {
    const ids = [key, ...others].map(({ id, name }) => `${id} (${name})`).join(', ')
    throw usageError(`Several keys match ${words}`, `Give the id of one: ${ids}.`)
  }
  await revokeApiKey(database, key.id)
  return key.id
}

/** A name only matches keys in use, because a new key may have the name of a revoked one. */
function keysMeant(keys: readonly ApiKey[], which: string, now: Date): ApiKey[] {
  const start = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(which) ? which.toLowerCase() : undefined
  return keys.filter(key => {
    if (start !== undefined && key.id.startsWith(start)) return true
    const isInUse = key.revoked_at === null && (key.expires_at === null || key.expires_at > now)
    return isInUse && key.name === which
  })
}
