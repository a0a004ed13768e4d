import type { JobProgress } from '@telegram-backup/database'
import type { Drills } from '@telegram-backup/engine/operations/drill.ts'
import type { Engine } from '@telegram-backup/engine/operations/engine.ts'
import { count, formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import {
  type CommandContext,
  type RegisterCommand,
  withCommonOptions,
  withEngine,
} from '#commands/command.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'
import { progressBar } from '#commands/progress-line.ts'
import { assertMeantForDrill, type DrillOptions } from '#commands/verify-drill.ts'

interface VerifyOptions extends DrillOptions {
  all?: boolean
  project?: string
  type?: string
  readData?: boolean
  json?: boolean
}

/** `verify [ID]`: whether every message is there; with `--read-data` whether every byte is what was sent. */
export const registerVerify: RegisterCommand = (program, run) => {
  withCommonOptions(program.command('verify'), [
    'telegram-backup verify 3f0c2c1e',
    'telegram-backup verify 3f0c2c1e --read-data',
    'telegram-backup verify --all --project shop --read-data --json',
    'telegram-backup verify 3f0c2c1e --drill',
    'telegram-backup verify 3f0c2c1e --drill --on postgresql://owner@scratch.internal/postgres',
  ])
    .description(
      'verify backups in their chats: that every message is there; with --read-data that every byte is what was sent, and that it decrypts, where the key file is there. What a second chat still has is repaired. --drill also restores to a temporary place, compares, and removes it',
    )
    .argument('[id]', 'the backup’s id, or its first eight characters')
    .option('--all', 'every complete backup')
    .option('--project <id>', 'those of this project only')
    .option('--type <type>', 'database, storage or logs only')
    .option('--read-data', 'read every byte')
    .option(
      '--drill',
      'read every byte, restore into a place that is made for it, and compare: the rows of each table, sequences, objects; of a directory each file',
    )
    .option(
      '--on <server>',
      'a PostgreSQL URL or a target of telegram-backup.yaml: there the drill makes a database of its own name, and drops it; without it, it brings a server of its own',
    )
    .option('--create-roles', 'with --on: make roles that the server lacks, and drop them again')
    .option(
      '--trust-dump',
      'without --on: run what is in the dump as a superuser, for what nobody else can restore; only where you trust everybody who may change that database',
    )
    .action((id: string | undefined, options: VerifyOptions) =>
      run(async context => {
        const { output, signal } = context
        const isMany = isForMany(id, options)
        assertMeantForDrill(options)
        const { completeBackups, verify } = await import('@telegram-backup/engine/operations/verify.ts')
        const { findBackup } = await import('@telegram-backup/engine/operations/find-backup.ts')
        const { describeAllVerified, describeVerified, verifiedBackup, verifyExitCode } = await import(
          '#commands/verify-report.ts'
        )
        return await withEngine(context, async engine => {
          const backups = isMany
            ? await completeBackups(engine.database, options)
            : [await findBackup(engine.database, id ?? '')]
          const drills = options.drill === true ? await drillsFor(context, engine, options) : undefined
          const readData = options.readData === true || drills !== undefined
          const line = output.progressLine()
          const outcomes = await verify(
            engine,
            { backups, readData, drills, isMany },
            {
              signal,
              note: words => output.note(words),
              onProgress: (progress, { index }) => {
                const which = backups.length === 1 ? '' : `backup ${index + 1} of ${backups.length}  `
                line.update(() => which + describeProgress(progress))
              },
              onRead: () => line.end(),
            },
          )
          const [first] = outcomes
          if (!isMany && first !== undefined && 'error' in first) throw first.error
          const verified = outcomes.map(verifiedBackup)
          const success = verified.every(one => one.success)
          const [only] = verified
          if (!isMany && only !== undefined) output.answer(only, () => describeVerified(only))
          else {
            const skipped = verified.filter(({ state }) => state === 'skipped').length
            output.answer({ success, ...(skipped > 0 && { skipped }), backups: verified }, () =>
              verified.length === 0 ? 'No complete backup matches.' : describeAllVerified(verified),
            )
          }
          return verified.length === 0 ? ExitCode.DONE : verifyExitCode(verified)
        })
      }, options),
    )
}

function isForMany(id: string | undefined, { all, project, type }: VerifyOptions): boolean {
  const filters = all === true || project !== undefined || type !== undefined
  if (id !== undefined && filters) {
    throw new BackupError('An id goes with none of --all, --project and --type', {
      code: 'USAGE',
      hint: 'Give the id alone.',
    })
  }
  if (id === undefined && !filters) {
    throw new BackupError('Which backup?', {
      code: 'USAGE',
      hint: 'Give an id, from "telegram-backup list", or --all.',
    })
  }
  return id === undefined
}

async function drillsFor(
  { output, signal }: CommandContext,
  engine: Engine,
  options: DrillOptions,
): Promise<Drills> {
  const { openDrills } = await import('@telegram-backup/engine/operations/drill.ts')
  const { end, ...hooks } = fetchProgress(output.progressLine())
  const request = {
    on: options.on,
    createRoles: options.createRoles === true,
    trustDump: options.trustDump === true,
  }
  return await openDrills(engine, request, { ...hooks, signal, note: line => output.note(line), onEnd: end })
}

function describeProgress({ bytes_done, bytes_total, parts_done }: JobProgress): string {
  const parts = count(parts_done, 'message')
  if (bytes_total === null) return `${parts} there`
  const bar = progressBar(bytes_done / Math.max(1, bytes_total))
  return `${bar}  ${parts}, ${formatBytes(bytes_done)} of ${formatBytes(bytes_total)} read`
}
