import type { Undeleted } from '@telegram-backup/engine/operations/undelete-bucket.ts'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { parsePastTime } from '@telegram-backup/engine/units/quantities.ts'
import { ExitCode } from '@telegram-backup/errors'
import { bucketMeant, WHICH_BUCKET } from '#commands/bucket-options.ts'
import { type CommandContext, describeCommand, type RegisterCommand, withEngine } from '#commands/command.ts'
import { confirm, tellBefore } from '#commands/confirmation.ts'

interface UndeleteOptions {
  at: string
  dryRun?: boolean
  yes?: boolean
  json?: boolean
}

/** How long what is under way may take to end after the work, or after Ctrl-C. */
const GRACE_MS = 30_000

/** `bucket undelete B --at TIME`: after an attack or a mistake. */
export const registerUndelete: RegisterCommand = (group, run) => {
  const command = group
    .command('undelete')
    .requiredOption(
      '--at <time>',
      'the moment to go back to: 2026-11-01, "2026-11-01 15:30", or 24h for a day ago',
    )
  describeCommand(command, {
    description:
      'take a whole bucket back to a moment: what was deleted or overwritten since comes back, and what was added since goes. Nothing is uploaded; the same command continues after an interruption. Single objects cannot be brought back, because old and new indexes of restic do not fit together',
    argument: WHICH_BUCKET,
    options: {
      '--dry-run': 'only say how many objects would come back and go; changes nothing',
      '--yes': 'do not ask first; without a terminal the command never asks',
    },
    examples: [
      'telegram-backup bucket undelete laptops --at "2026-11-30 12:00" --dry-run',
      'telegram-backup bucket undelete laptops --at 24h --yes',
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
  const at = parsePastTime(text)
  const { cacheBytes } = (await readConfigFile(config)).objects
  return await withEngine(context, async engine => {
    const { database } = engine
    const { id, name } = await bucketMeant(database, which)
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

function plannedWords(name: string, at: Date, { restored, removed, unchanged }: Undeleted): string {
  return `${name} as of ${formatTime(at)}: ${count(restored, 'object')} would come back, ${removed} would go, ${unchanged} would stay as they are.`
}

function doneWords(name: string, at: Date, { restored, removed }: Undeleted): string {
  return `Bucket ${name} is as it was on ${formatTime(at)}: ${count(restored, 'object')} came back, ${removed} went.`
}
