import type { PostgresConnection } from '@telegram-backup/connectors/postgres/connection.ts'
import type { Backup, BackupDetails, Database } from '@telegram-backup/database'
import type { DrillReport } from '@telegram-backup/engine/proof/drill-report.ts'
import { openBackupService } from '@telegram-backup/engine/wiring.ts'
import { BackupError } from '@telegram-backup/errors'
import type { TelegramClient } from 'telegram-deployment-bot'
import { type CommandContext, findBackup } from '#commands/command.ts'
import { fetchProgress } from '#commands/fetch-progress.ts'

/** How drills are to be made. */
export interface DrillOptions {
  drill?: boolean
  on?: string
  createRoles?: boolean
  trustDump?: boolean
}

/** Makes drills, one after the other. */
export interface DrillMaker {
  /**
   * Before its bytes are read, which may take hours: why this backup cannot be drilled here. Of many it is read all the same, and
   * this resolves to the reason; else it is thrown.
   */
  check(backup: Backup): Promise<{ error: unknown } | undefined>
  make(backup: Backup): Promise<DrillReport>
}

/**
 * Undefined where none are asked for. Throws `USAGE` for options that mean nothing without one another, and what stands
 * against a server that is named.
 */
export async function drillMaker(
  context: CommandContext,
  of: { database: Database; client: TelegramClient; options: DrillOptions; isMany: boolean },
): Promise<DrillMaker | undefined> {
  const { database, client, options, isMany } = of
  const { config, output, signal } = context
  assertMeantForDrill(options)
  if (options.drill !== true) return undefined
  const on = options.on === undefined ? undefined : await serverFor(options.on, context)
  const { checkDrill, checkServer } = await import('@telegram-backup/engine/proof/check-drill.ts')
  if (on !== undefined) await checkServer(on, signal)
  const { drillBackup } = await import('@telegram-backup/engine/proof/drill-backup.ts')
  const { planFetch } = await import('@telegram-backup/vault/fetch/fetch-plan.ts')
  const { withOtherPlaces } = await import('@telegram-backup/vault/fetch/part-places.ts')
  const { readIdentities } = await import('@telegram-backup/engine/restore/identities.ts')
  const { MemberFetch } = await import('@telegram-backup/engine/restore/fetch-member.ts')
  const service = await openBackupService(config, client)
  const createRoles = options.createRoles === true
  const trustDump = await trustIn(options, context)
  const place = { on, createRoles, stateFolder: config.stateFolder, signal }
  const check = async ({ id }: Backup): Promise<undefined> => {
    const backup = await findBackup(database, id)
    await readIdentities(config, backup.encrypted !== false)
    await checkDrill(backup, { ...place, trustDump: trustDump(backup) })
  }
  const make = async ({ id }: Backup): Promise<DrillReport> => {
    // What verifying has mended or learned counts.
    const backup = await findBackup(database, id)
    const plan = withOtherPlaces(planFetch(backup), {
      client,
      catalog: async () => database,
      note: text => output.note(`note: ${text}`),
      signal,
    })
    const identities = await readIdentities(config, plan.encrypted)
    const progress = fetchProgress(output.progressLine(), plan, backup.size)
    try {
      return await drillBackup({
        ...{ ...place, database, backup, trustDump: trustDump(backup) },
        open: until =>
          progress.counting(
            service.fetchBackup({ ...plan, identities, signal: until, onPart: progress.onPart }),
          ),
        members: () => new MemberFetch({ service, backup, plan, identities, signal }).listed(),
      })
    } finally {
      progress.end()
    }
  }
  return {
    check: backup =>
      check(backup).catch((error: unknown) => {
        if (!isMany || signal.aborted) throw error
        return { error }
      }),
    make,
  }
}

/** Throws `USAGE`. */
export function assertMeantForDrill({ drill, on, createRoles, trustDump }: DrillOptions): void {
  const given = [
    ...(on === undefined ? [] : ['--on']),
    ...(createRoles === true ? ['--create-roles'] : []),
    ...(trustDump === true ? ['--trust-dump'] : []),
  ]
  if (drill !== true && given.length > 0) {
    throw new BackupError(`${given[0]} is only for --drill`, {
      code: 'USAGE',
      hint: 'Give --drill as well, or leave it out.',
    })
  }
  if (trustDump === true && on !== undefined) {
    throw new BackupError(
      '--trust-dump is only for a server of its own: with --on, the role of the URL restores',
      {
        code: 'USAGE',
        hint: 'Leave out one of the two.',
      },
    )
  }
  if (createRoles === true && on === undefined) {
    throw new BackupError('--create-roles is only for --on: a server of its own gets all roles by itself', {
      code: 'USAGE',
      hint: 'Leave it out.',
    })
  }
}

/** Whose dumps are trusted: all by the option, or those of sources that say so. Throws `CONFIGURATION` for an unreadable file. */
async function trustIn(
  { on, trustDump }: DrillOptions,
  { config }: CommandContext,
): Promise<(backup: BackupDetails) => boolean> {
  if (on !== undefined) return () => false
  if (trustDump === true) return () => true
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  const file = await readConfigFile(config)
  return ({ source_name: name, source, project_id }) => {
    if (name === null || !file.sourceNames.includes(name) || source?.['kind'] !== 'postgres') return false
    const settings = file.source(name)
    return settings.trust_dump === true && settings.project === project_id
  }
}

async function serverFor(on: string, { config }: CommandContext): Promise<PostgresConnection> {
  const { readTarget } = await import('@telegram-backup/engine/restore/restore-target.ts')
  const target = await readTarget(on, config, { mayBeDirectory: false })
  if (target.kind === 'postgres') return target.connection
  throw new BackupError('--on is neither a PostgreSQL URL nor a target of telegram-backup.yaml', {
    code: 'USAGE',
    hint: 'Write --on postgresql://USER@HOST/postgres, of a server whose user may make databases.',
  })
}
