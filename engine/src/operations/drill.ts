import type { DrillPlace } from '@telegram-backup/connectors/drilling.ts'
import { connectorOf, recordedKind, restoringConnector } from '@telegram-backup/connectors/registry.ts'
import type { RestoreTarget } from '@telegram-backup/connectors/restoring.ts'
import type { Backup, BackupDetails } from '@telegram-backup/database'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { readIdentities } from '#age-keys.ts'
import { readConfigFile } from '#config/config-file.ts'
import type { Engine, Watching } from '#engine.ts'
import type { Config } from '#environment.ts'
import { findBackup } from '#operations/find-backup.ts'
import { drillBackup, onServerOf } from '#proof/drill-backup.ts'
import type { DrillReport } from '#proof/drill-report.ts'
import { scratchIn } from '#proof/scratch.ts'
import { BackupContents, type ReadHooks } from '#restore/contents.ts'
import { readTarget } from '#restore/restore-target.ts'

/** How drills are to be made. */
export interface DrillRequest {
  /**
   * A PostgreSQL URL or a target of telegram-backup.yaml, where databases are made and dropped; left out, a
   * server of their own.
   */
  on?: string | undefined
  /** On that server, make roles that it lacks, and drop them again. */
  createRoles: boolean
  /** On a server of their own: run every dump as its superuser. Left out, those of sources that say so. */
  trustDump: boolean
}

/** Callbacks of a drill. */
export interface DrillHooks extends Watching, ReadHooks {
  onEnd?: () => void
}

/** Makes drills, one after the other. */
export interface Drills {
  /** Before its bytes are read, which may take hours: throws why this backup cannot be drilled here. */
  check(backup: Pick<Backup, 'id'>): Promise<void>
  /** Restores it for real, compares, and removes what was made. */
  make(backup: Pick<Backup, 'id'>): Promise<DrillReport>
}

/** Throws `USAGE`, and what stands against a server that is named. */
export async function openDrills(engine: Engine, request: DrillRequest, hooks: DrillHooks): Promise<Drills> {
  const { config, database } = engine
  const { signal } = hooks
  const { createRoles } = request
  const server = request.on === undefined ? undefined : await serverFor(request.on, { config, signal })
  const isTrusted = await trustIn(request, config)
  const scratch = scratchIn(config.stateFolder)
  const placeFor = (backup: BackupDetails): DrillPlace => ({
    ...{ on: server, createRoles, scratch, signal, trustDump: isTrusted(backup) },
  })
  return {
    check: async ({ id }) => {
      const backup = await findBackup(database, id)
      await readIdentities(config, backup.encrypted !== false)
      // Whether a file is a dump, its first bytes tell.
      const connector = restoringConnector(backup)
      if (connector !== undefined)
        await connector.drill?.check(backup, onServerOf(connector, placeFor(backup)))
    },
    make: async ({ id }) => {
      // What verifying has mended or learned counts.
      const backup = await findBackup(database, id)
      const contents = await BackupContents.open(backup, {
        ...engine,
        ...{ catalog: async () => database, note: hooks.note, signal },
      })
      hooks.onStart?.({ partCount: contents.partCount, plainBytes: backup.size })
      try {
        return await drillBackup({
          ...{ ...placeFor(backup), database, backup },
          open: until => contents.read({ signal: until, onPart: hooks.onPart, onBytes: hooks.onBytes }),
          members: () => contents.listedMembers(),
        })
      } finally {
        hooks.onEnd?.()
      }
    },
  }
}

/**
 * Whose dumps are trusted: all by the request, or those of sources that say so. Throws `CONFIGURATION` for an
 * unreadable file.
 */
async function trustIn(
  { on, trustDump }: DrillRequest,
  config: Config,
): Promise<(backup: BackupDetails) => boolean> {
  if (on !== undefined) return () => false
  if (trustDump) return () => true
  const file = await readConfigFile(config)
  return ({ source_name: name, source, project_id }) => {
    if (name === null || !file.sourceNames.includes(name)) return false
    if (!recordedKind(source)?.settings.includes('trust_dump')) return false
    const settings = file.source(name)
    return settings.trust_dump === true && settings.project === project_id
  }
}

/** The server that is named; databases can be made there. */
async function serverFor(
  on: string,
  { config, signal }: { config: Config; signal: AbortSignal },
): Promise<RestoreTarget> {
  const target = await readTarget(on, config, { mayBeDirectory: false })
  const { drill } = connectorOf(target)
  if (drill?.checkServer === undefined) {
    throw new BackupError(
      'The server of a drill is neither a PostgreSQL URL nor a target of telegram-backup.yaml',
      {
        code: 'USAGE',
        hint: hint`Write ${option('on')} postgresql://USER@HOST/postgres, of a server whose user may make databases.`,
      },
    )
  }
  await drill.checkServer(target, signal)
  return target
}
