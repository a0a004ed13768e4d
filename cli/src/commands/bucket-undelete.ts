import type { Undeleted } from '@telegram-backup/engine/operations/undelete-bucket.ts'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { parsePastTime } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import { bucketMeant, WHICH_BUCKET } from '#commands/bucket-options.ts'
import {
  type CommandContext,
  describeCommand,
  type RegisterCommand,
  usageError,
  withEngine,
} from '#commands/command.ts'
import { confirm, tellBefore } from '#commands/confirmation.ts'

interface UndeleteOptions {
  at?: string
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** How long what is under way may take to end after the work, or after Ctrl-C. */
const GRACE_MS = 30_000

/** `bucket undelete B --at TIME`: after an attack or a mistake. */
export const registerUndelete: RegisterCommand = (group, run) => {
  describeCommand(group.command('undelete'), {
    description:
      'take a whole bucket back to a moment: what was deleted or overwritten since comes back, and what was added since goes. Nothing is uploaded. The door of the bucket is closed until that has ended; after an interruption, the same command continues, and so does "telegram-backup serve". Single objects cannot be brought back, because old and new indexes of restic do not fit together',
    argument: WHICH_BUCKET,
    options: {
      '--at <time>':
        'the moment to go back to: 2026-11-01, "2026-11-01 15:30", or 24h for a day ago (default: that of an undelete that was interrupted)',
      '--dry-run': 'only say how many objects would come back and go; changes nothing',
      '--yes': 'do not ask first; without a terminal the command never asks',
    },
    examples: [
      'telegram-backup bucket undelete laptops --at "2026-11-30 12:00" --dry-run',
      'telegram-backup bucket undelete laptops --at 24h --yes',
      'telegram-backup bucket undelete laptops',
    ],
  }).action((which: string, options: UndeleteOptions) =>
    run(context => undelete(context, which, options), options),
  )
}

async function undelete(
  context: CommandContext,
  which: string,
  { at: text, dryRun = false, yes = false }: UndeleteOptions,
): Promise<ExitCode> {
  const { config, output, signal, note } = context
  const { previewUndelete, undeleteBucket } = await import(
    '@telegram-backup/engine/operations/undelete-bucket.ts'
  )
  const { openObjects } = await import('@telegram-backup/engine/wiring.ts')
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  const given = text === undefined ? undefined : parsePastTime(text)
  const { cacheBytes } = (await readConfigFile(config)).objects
  return await withEngine(context, async engine => {
    const { database } = engine
    const { id, name, undeleting_to: begun } = await bucketMeant(database, which)
    const at = given ?? begun
    if (at === null) {
      throw usageError(
        `No undelete of ${name} is under way, so it needs a moment to go back to`,
        'Give --at TIME, such as --at 24h.',
      )
    }
    if (begun !== null) note(begunWords(name, begun, at))
    const plan = await previewUndelete(database, { bucketId: id, at })
    if (dryRun) {
      output.answer(
        { dry_run: true, id, at, ...plan },
        () => `${plannedWords(name, at, plan)}\nNothing was changed.`,
      )
      return ExitCode.DONE
    }
    // Without a terminal, the bucket and the moment are enough.
    const isAgreed = yes || !context.host.stdin.isTTY
    tellBefore(output, [plannedWords(name, at, plan)], { isAgreed })
    await confirm(context, { isAgreed })
    const store = await openObjects(engine, { cacheBytes, log: note, signal })
    try {
      const done = await undeleteBucket({ database, store }, { bucketId: id, at, signal })
      output.outcome({ success: true, id, at, ...done }, () => doneWords(name, at, done))
    } finally {
      await store.close({ graceMs: GRACE_MS })
    }
    return ExitCode.DONE
  })
}

function begunWords(name: string, begun: Date, at: Date): string {
  const what = `Bucket ${name} is being taken back to ${formatTime(begun)}`
  return begun.getTime() === at.getTime()
    ? `${what}: going on.`
    : `${what}: that is given up for ${formatTime(at)}.`
}

function plannedWords(name: string, at: Date, { restored, removed, unchanged }: Undeleted): string {
  return `${name} as of ${formatTime(at)}: ${count(restored, 'object')} would come back, ${removed} would go, ${unchanged} would stay as they are.`
}

function doneWords(name: string, at: Date, { restored, removed }: Undeleted): string {
  return `Bucket ${name} is as it was on ${formatTime(at)}: ${count(restored, 'object')} came back, ${removed} went.`
}
