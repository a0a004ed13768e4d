import type { Bucket, DoorKey, DoorScope } from '@telegram-backup/database'
import { ExitCode } from '@telegram-backup/errors'
import { bucketMeant } from '#commands/bucket-options.ts'
import { describeDoorKeys } from '#commands/bucket-report.ts'
import {
  type CommandContext,
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import { EXPIRES_HELP, expiryOf, registerKeyRevoke } from '#commands/key-options.ts'

interface CreateOptions {
  bucket: string
  scope: string
  name?: string
  expires?: string
  json?: boolean
}

/** `doorkey`: the keys with which other backup programs open a bucket. */
export const registerDoorkey: RegisterCommand = (program, run) => {
  const group = describeGroup(program.command('doorkey'), {
    description: 'create, list and revoke the keys with which restic opens a bucket',
    examples: [
      'telegram-backup doorkey create --bucket laptops --scope append --name ann',
      'telegram-backup doorkey list --bucket laptops',
    ],
  })
  for (const register of [registerCreate, registerList, registerRevoke]) register(group, run)
}

const registerCreate: RegisterCommand = (group, run) => {
  const command = group
    .command('create')
    .requiredOption('--bucket <id>', 'the bucket: its name, its id or the first eight characters of that')
    .requiredOption(
      '--scope <scope>',
      'what the key may do: read, append (also add, and delete nothing but locks), full (also delete)',
    )
  describeCommand(command, {
    description: 'create a key for one bucket and print it; it is shown only once: only its hash is stored',
    options: {
      '--name <name>': 'what the key is for (default: the name of the bucket)',
      ...EXPIRES_HELP,
    },
    examples: [
      'telegram-backup doorkey create --bucket laptops --scope append --name ann --expires 90d',
      'telegram-backup doorkey create --bucket laptops --scope full --json',
    ],
  }).action((options: CreateOptions) =>
    run(async context => {
      const { findObject } = await import('@telegram-backup/database')
      const { createDoorKey } = await import('@telegram-backup/engine/operations/door-keys.ts')
      const { name } = options
      const scope = scopeOf(options.scope)
      const expiresAt = expiryOf(options.expires)
      const host = await doorHost(context)
      await withCatalog(context, async database => {
        const { pageAddress } = await import('@telegram-backup/engine/operations/page-address.ts')
        const bucket = await bucketMeant(database, options.bucket)
        const made = await createDoorKey(database, { bucketId: bucket.id, scope, name, expiresAt })
        const address = await pageAddress(database, host)
        const hasRepository = (await findObject(database, { bucketId: bucket.id, key: 'config' })) !== null
        const { id, user_name: user } = made.doorKey
        context.output.answer({ id, user, key: made.key }, () =>
          describeNew({ ...made, bucket, address, hasRepository }),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

function scopeOf(text: string): DoorScope {
  if (text === 'read' || text === 'append' || text === 'full') return text
  throw usageError(`--scope ${JSON.stringify(text.slice(0, 40))} is unknown`, 'Give read, append or full.')
}

/** Where the configuration says that people find the service. */
async function doorHost({ config }: CommandContext): Promise<string | undefined> {
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  return (await readConfigFile(config)).http.public_url
}

function describeNew(of: {
  doorKey: DoorKey
  key: string
  bucket: Bucket
  address: { url: string; isGuess: boolean }
  /** restic refuses to make another one. */
  hasRepository: boolean
}): string {
  const { doorKey, key, bucket, address, hasRepository } = of
  const { id, user_name: user, scope } = doorKey
  const base = address.url.replace(/\/+$/, '')
  const door = `rest:${base}/restic/${bucket.name}/`
  return [
    `Key ${id}: ${scope}, for bucket ${bucket.name}`,
    '',
    `  export RESTIC_REPOSITORY=${door}`,
    `  export RESTIC_REST_USERNAME=${user}`,
    `  export RESTIC_REST_PASSWORD=${key}`,
    `  ${firstCommand(scope, hasRepository)}`,
    '',
    ...(address.isGuess ? ['No serve runs yet: put in the address where clients will reach it.', ''] : []),
    'The key is shown only once. As part of the address it works too, but then every user of that machine can read',
    'it in the list of processes:',
    '',
    `  restic -r ${door.replace('://', `://${user}:${key}@`)} ${scope === 'read' ? 'snapshots --no-lock' : 'snapshots'}`,
  ].join('\n')
}

function firstCommand(scope: DoorScope, hasRepository: boolean): string {
  if (scope === 'read') return 'restic snapshots --no-lock'
  return hasRepository ? 'restic snapshots' : 'restic init'
}

const registerList: RegisterCommand = (group, run) => {
  describeCommand(group.command('list'), {
    description: 'list the keys: what each may do, and when it was last used; the keys are not stored',
    options: { '--bucket <id>': 'only the keys of this bucket' },
    examples: ['telegram-backup doorkey list', 'telegram-backup doorkey list --bucket laptops --json'],
  }).action((options: { bucket?: string; json?: boolean }) =>
    run(async context => {
      const { listDoorKeys } = await import('@telegram-backup/database')
      const { output } = context
      const keys = await withCatalog(context, async database => {
        const bucket = options.bucket === undefined ? undefined : await bucketMeant(database, options.bucket)
        return await listDoorKeys(database, { bucketId: bucket?.id })
      })
      output.answer(keys, () => describeDoorKeys(keys, { now: new Date(), output }))
      return ExitCode.DONE
    }, options),
  )
}

const registerRevoke: RegisterCommand = (group, run) => {
  registerKeyRevoke<DoorKey>(group, run, {
    ...{ called: 'door key', group: 'doorkey', examples: ['0b0f7a52', 'ann'] },
    other: { called: 'user name', of: ({ user_name }) => user_name },
    list: async database => await (await import('@telegram-backup/database')).listDoorKeys(database),
    revoke: async (database, id) =>
      await (await import('@telegram-backup/database')).revokeDoorKey(database, id),
  })
}
