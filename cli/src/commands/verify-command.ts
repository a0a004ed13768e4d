import type { Backup, BackupType, Database, JobProgress } from '@telegram-backup/database'
import { count, formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { openTelegram } from '@telegram-backup/engine/wiring.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import { endsEverything, type Settling } from '@telegram-backup/vault/session/session.ts'
import type { VerificationReport } from '@telegram-backup/vault/verify/verification-report.ts'
import {
  type CommandContext,
  findBackup,
  type RegisterCommand,
  withCatalog,
  withCommonOptions,
} from '#commands/command.ts'
import { progressBar } from '#commands/progress-line.ts'
import {
  assertMeantForDrill,
  type DrillMaker,
  type DrillOptions,
  drillMaker,
} from '#commands/verify-drill.ts'
import {
  type DrillOutcome,
  describeAllVerified,
  describeVerified,
  toldVerification,
  type VerifyOutcome,
  verifiedBackup,
  verifyExitCode,
} from '#commands/verify-report.ts'

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
      'verify backups in their chats: that every message is there; with --read-data that every byte is what was sent, and opens, where the key file is at hand. What a second chat still has is mended. With --drill besides by a real restore, which is compared with the source and goes again',
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
        const { config, output, signal } = context
        const isMany = isForMany(id, options)
        assertMeantForDrill(options)
        const { openSettling } = await import('@telegram-backup/vault/session/open-session.ts')
        const client = await openTelegram(config)
        return await withCatalog(context, async database => {
          const backups = isMany
            ? await completeBackups(database, options)
            : [await findBackup(database, id ?? '')]
          const say = (line: string): void => output.note(line)
          const settling = await openSettling({ database, client, config, signal, say })
          const drill = await drillMaker(context, { database, client, options, isMany })
          const readData = options.readData === true || drill !== undefined
          const outcomes = await verifyInTurn(context, settling, { backups, readData, drill, isMany })
          const [first] = outcomes
          if (!isMany && first !== undefined && 'error' in first) throw first.error
          const verified = outcomes.map(verifiedBackup)
          const success = verified.every(one => one.success)
          if (!isMany && first !== undefined)
            output.answer(verifiedBackup(first), () => describeVerified(toldVerification(first)))
          else {
            const skipped = verified.filter(({ state }) => state === 'skipped').length
            output.answer({ success, ...(skipped > 0 && { skipped }), backups: verified }, () =>
              verified.length === 0
                ? 'No complete backup matches.'
                : describeAllVerified(outcomes.map(toldVerification)),
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

async function completeBackups(database: Database, { project, type }: VerifyOptions): Promise<Backup[]> {
  const { listBackups } = await import('@telegram-backup/api-gateway/lib/backups/backups.service.ts')
  const filter = { projectId: project, type: type as BackupType, state: 'complete' } as const
  return (await listBackups(filter, { database })).data
}

interface ToVerify {
  backups: readonly Backup[]
  readData: boolean
  drill: DrillMaker | undefined
  /** Nobody has named one: what is erased meanwhile is not missed. */
  isMany: boolean
}

/** One that cannot be verified keeps none of the others from it. Throws what would meet them all. */
async function verifyInTurn(
  { output }: CommandContext,
  settling: Settling,
  { backups, readData, drill, isMany }: ToVerify,
): Promise<VerifyOutcome[]> {
  const { isGoneMeanwhile } = await import('@telegram-backup/engine/verification/gone-meanwhile.ts')
  const { verifyBackup } = await import('@telegram-backup/vault/verify/verify-backup.ts')
  const line = output.progressLine()
  const outcomes: VerifyOutcome[] = []
  for (const [index, backup] of backups.entries()) {
    const which = backups.length === 1 ? '' : `backup ${index + 1} of ${backups.length}  `
    const onProgress = (progress: JobProgress): void => line.update(() => which + describeProgress(progress))
    const verifyOne = async (): Promise<VerifyOutcome> => {
      try {
        const unfit = await drill?.check(backup)
        const report = await verifyBackup(settling, { backupId: backup.id, readData, onProgress })
        line.end()
        return {
          ...{ backup, report },
          ...(drill && { drill: await drillOf(settling, { report, backup, drill, unfit }) }),
        }
      } catch (error) {
        if (endsEverything(settling, error)) throw error
        return { backup, error }
      } finally {
        line.end()
      }
    }
    const outcome = await verifyOne()
    const isGone =
      isMany && !verifiedBackup(outcome).success && (await isGoneMeanwhile(settling.database, backup.id))
    outcomes.push(isGone ? { backup, skipped: 'erased meanwhile' } : outcome)
  }
  return outcomes
}

/** A backup whose bytes are wrong is not restored. One that cannot be drilled keeps none of the others from it. */
async function drillOf(
  settling: Settling,
  of: { report: VerificationReport; backup: Backup; drill: DrillMaker; unfit: DrillOutcome | undefined },
): Promise<DrillOutcome> {
  const { report, backup, drill, unfit } = of
  if (report.state === 'damaged') return 'damaged'
  if (unfit !== undefined) return unfit
  try {
    return await drill.make(backup)
  } catch (error) {
    if (endsEverything(settling, error)) throw error
    return { error }
  }
}

function describeProgress({ bytes_done, bytes_total, parts_done }: JobProgress): string {
  const parts = count(parts_done, 'message')
  if (bytes_total === null) return `${parts} there`
  const bar = progressBar(bytes_done / Math.max(1, bytes_total))
  return `${bar}  ${parts}, ${formatBytes(bytes_done)} of ${formatBytes(bytes_total)} read`
}
