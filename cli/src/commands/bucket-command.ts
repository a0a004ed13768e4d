import type { BucketKind } from '@telegram-backup/database'
import { ExitCode } from '@telegram-backup/errors'
import {
  BUCKET_TERM_HELP,
  type BucketTermOptions,
  bucketMeant,
  bucketTermsOf,
  WHICH_BUCKET,
} from '#commands/bucket-options.ts'
import { describeBucket, describeBuckets, describeNewBucket } from '#commands/bucket-report.ts'
import { registerUndelete } from '#commands/bucket-undelete.ts'
import {
  type CommandContext,
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import { confirm, tellBefore } from '#commands/confirmation.ts'

interface CreateOptions extends BucketTermOptions {
  kind: string
  project?: string
  json?: boolean
}

/** `bucket`: stores of objects in the chat, for other backup programs. */
export const registerBucket: RegisterCommand = (program, run) => {
  const group = describeGroup(program.command('bucket'), {
    description:
      'make and look after buckets: stores in the chat for restic, whose door "telegram-backup serve" opens',
    examples: [
      'telegram-backup bucket create laptops --kind restic --snapshot-limit 26h',
      'telegram-backup bucket list',
    ],
  })
  for (const register of [
    registerCreate,
    registerList,
    registerShow,
    registerChange,
    registerUndelete,
    registerRemove,
  ])
    register(group, run)
}

const registerCreate: RegisterCommand = (group, run) => {
  const command = group.command('create').requiredOption('--kind <kind>', 'the program that fills it: restic')
  describeCommand(command, {
    description: 'make a bucket',
    argument: ['<name>', 'its name, which is in the address of the door: 3 to 63 of a-z, 0-9, "." and "-"'],
    options: {
      '--project <id>': 'the project that it belongs to (default: "default")',
      ...BUCKET_TERM_HELP,
    },
    examples: [
      'telegram-backup bucket create laptops --kind restic',
      'telegram-backup bucket create web1 --kind restic --project shop --undelete 14d --max-size 200G --json',
    ],
  }).action((name: string, options: CreateOptions) =>
    run(async context => {
      const { createBucket } = await import('@telegram-backup/engine/operations/buckets.ts')
      const request = {
        ...{ name, kind: kindOf(options.kind), projectId: options.project },
        ...bucketTermsOf(options),
      }
      const bucket = await withCatalog(context, database => createBucket(database, request))
      const { id, kind, project_id } = bucket
      context.output.answer({ id, name: bucket.name, kind, project_id }, () => describeNewBucket(bucket))
      return ExitCode.DONE
    }, options),
  )
}

function kindOf(text: string): BucketKind {
  if (text === 'restic') return text
  if (text === 's3') throw usageError('There is no door for S3 yet', 'Give --kind restic.')
  throw usageError(`--kind ${JSON.stringify(text.slice(0, 40))} is unknown`, 'Give --kind restic.')
}

const registerList: RegisterCommand = (group, run) => {
  describeCommand(group.command('list'), {
    description: 'list the buckets: how new the newest snapshot of each is, its size, and what it takes up',
    options: { '--project <id>': 'only the buckets of this project' },
    examples: ['telegram-backup bucket list', 'telegram-backup bucket list --json'],
  }).action((options: { project?: string; json?: boolean }) =>
    run(async context => {
      const { listBuckets } = await import('@telegram-backup/engine/operations/buckets.ts')
      const { output } = context
      const { project: projectId } = options
      const buckets = await withCatalog(context, database => listBuckets(database, { projectId }))
      output.answer(buckets, () => describeBuckets(buckets, { now: new Date(), output }))
      return ExitCode.DONE
    }, options),
  )
}

const registerShow: RegisterCommand = (group, run) => {
  describeCommand(group.command('show'), {
    description: 'show a bucket: what it holds, how it is kept, what is wrong, and the keys of its door',
    argument: WHICH_BUCKET,
    examples: ['telegram-backup bucket show laptops', 'telegram-backup bucket show laptops --json'],
  }).action((which: string, options: { json?: boolean }) =>
    run(async context => {
      await withCatalog(context, async database => {
        const { showBucket } = await import('@telegram-backup/engine/operations/buckets.ts')
        const { listDoorKeys } = await import('@telegram-backup/database')
        const { output } = context
        const { id } = await bucketMeant(database, which)
        const bucket = await showBucket(database, id)
        const keys = await listDoorKeys(database, { bucketId: id })
        output.answer({ ...bucket, door_keys: keys }, () =>
          describeBucket(bucket, keys, { now: new Date(), output }),
        )
      })
      return ExitCode.DONE
    }, options),
  )
}

const registerChange: RegisterCommand = (group, run) => {
  describeCommand(group.command('change'), {
    description: 'change how a bucket is kept; options that are not given stay as they are',
    argument: WHICH_BUCKET,
    options: BUCKET_TERM_HELP,
    examples: [
      'telegram-backup bucket change laptops --snapshot-limit 26h',
      'telegram-backup bucket change laptops --undelete 30d --max-size none',
    ],
  }).action((which: string, options: BucketTermOptions & { json?: boolean }) =>
    run(async context => {
      const change = bucketTermsOf(options)
      if (Object.keys(change).length === 0)
        throw usageError('Nothing to change was given', 'See telegram-backup bucket change --help.')
      await withCatalog(context, async database => {
        const { changeBucket, showBucket } = await import('@telegram-backup/engine/operations/buckets.ts')
        const { id } = await bucketMeant(database, which)
        await changeBucket(database, id, { change })
        const bucket = await showBucket(database, id)
        context.output.outcome(bucket, () => `Bucket ${bucket.name} is changed.`)
      })
      return ExitCode.DONE
    }, options),
  )
}

const registerRemove: RegisterCommand = (group, run) => {
  describeCommand(group.command('remove'), {
    description:
      'remove a bucket with all that it holds: its door closes at once, and "telegram-backup serve" erases its messages by and by',
    argument: WHICH_BUCKET,
    options: { '--yes': 'do not ask first, also for a bucket that holds objects' },
    examples: ['telegram-backup bucket remove laptops', 'telegram-backup bucket remove laptops --yes'],
  }).action((which: string, options: { yes?: boolean; json?: boolean }) =>
    run(context => remove(context, which, options), options),
  )
}

async function remove(
  context: CommandContext,
  which: string,
  { yes = false }: { yes?: boolean },
): Promise<ExitCode> {
  await withCatalog(context, async database => {
    const { removeBucket, showBucket, whatIsLost } = await import(
      '@telegram-backup/engine/operations/buckets.ts'
    )
    const { output } = context
    const bucket = await showBucket(database, (await bucketMeant(database, which)).id)
    const isEmpty = bucket.objects === 0 && bucket.undeletable_bytes === 0
    const isAgreed = yes || isEmpty
    const lost = isEmpty ? 'it holds nothing' : `${whatIsLost(bucket)} are lost`
    tellBefore(output, [`removing ${bucket.name}: ${lost}`], { isAgreed })
    await confirm(context, { isAgreed })
    const { id, name } = await removeBucket(database, bucket.id, { withObjects: true })
    output.outcome({ success: true, id, removed: true }, () => `Bucket ${name} is removed.`)
  })
  return ExitCode.DONE
}
