import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import type { DrillPlace } from '@telegram-backup/connectors/drilling.ts'
import { connectorOf, recordedKind, restoringConnector } from '@telegram-backup/connectors/registry.ts'
import type { RestoreTarget } from '@telegram-backup/connectors/restoring.ts'
import type { Backup, BackupDetails } from '@telegram-backup/database'
import { BackupError, describeError, hint, option } from '@telegram-backup/errors'
import { readIdentities } from '#age-keys.ts'
import { readConfigFile } from '#config/config-file.ts'
import type { Engine, Watching } from '#engine.ts'
import type { Config } from '#environment.ts'
import { findBackup } from '#operations/find-backup.ts'
import { postEvidenceQuietly } from '#operations/post-evidence.ts'
import { drillBackup, onServerOf } from '#proof/drill-backup.ts'
import type { DrillReport } from '#proof/drill-report.ts'
import { scratchIn } from '#proof/scratch.ts'
import { BackupContents, type ReadHooks } from '#restore/contents.ts'
import { readTarget } from '#restore/restore-target.ts'

export interface DrillRequest {
  /**
   * A PostgreSQL URL or a target of telegram-backup.yaml, where databases are created and dropped. By
   * default, a temporary server.
   */
  on?: string | undefined
  /** On that server, creates roles that it lacks, and drops them afterwards. */
  createRoles: boolean
  /**
   * On a temporary server, runs every dump as its superuser; else only dumps of sources with `trust_dump`.
   */
  trustDump: boolean
  /** For the evidence; names neither users nor machines. Default: the command line. */
  startedBy?: string | undefined
}

export interface DrillHooks extends Watching, ReadHooks {
  onEnd?: () => void
}

/** Makes drills, one after the other. */
export interface Drills {
  /**
   * Throws why this backup cannot be drilled here; called before its bytes are read, which may take hours.
   */
  check(backup: Pick<Backup, 'id'>): Promise<void>
  /** Restores it, compares it with the record of its source, and removes what was restored. */
  make(backup: Pick<Backup, 'id'>): Promise<DrillReport>
}

/** Throws `USAGE`, and why the named server cannot be used. */
export async function openDrills(engine: Engine, request: DrillRequest, hooks: DrillHooks): Promise<Drills> {
  const { config, database } = engine
  const { signal, note, onPart, onBytes } = hooks
  const { createRoles, startedBy = 'a person or program at the command line' } = request
  const on = request.on === undefined ? undefined : await serverFor(request.on, { config, signal })
  const isTrusted = await trustIn(request, config)
  const scratch = scratchIn(config.stateFolder)
  const signingKey = await loadOrCreateSigningKey(config.signingKeyFile).catch((error: unknown) => {
    note(`warning: the drill leaves no evidence, since nothing can sign it: ${describeError(error).message}`)
    return undefined
  })
  const placeFor = (backup: BackupDetails): DrillPlace => ({
    ...{ on, createRoles, scratch, signal, trustDump: isTrusted(backup) },
  })
  return {
    check: async ({ id }) => {
      const backup = await findBackup(database, id)
      await readIdentities(config, backup.encrypted !== false)
      // A file without a record may be a dump; its first bytes decide that later.
      const connector = restoringConnector(backup)
      if (connector !== undefined)
        await connector.drill?.check(backup, onServerOf(connector, placeFor(backup)))
    },
    make: async ({ id }) => {
      // Read again: verifying may have repaired it.
      const backup = await findBackup(database, id)
      const catalog = async () => database
      const contents = await BackupContents.open(backup, { ...engine, catalog, note, signal })
      hooks.onStart?.({ partCount: contents.partCount, plainBytes: backup.size })
      try {
        return await drillBackup({
          ...{ ...placeFor(backup), database, backup, signingKey, startedBy },
          open: (until, timing) => contents.read({ signal: until, onPart, onBytes, ...timing }),
          members: () => contents.listedMembers(),
        })
      } finally {
        hooks.onEnd?.()
        await postEvidenceQuietly(engine, hooks)
      }
    },
  }
}

/** Which dumps may run as superuser. Throws `CONFIGURATION` for an unreadable file. */
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

/** The named server, where databases can be created. */
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
        hint: hint`Write ${option('on')} postgresql://USER@HOST/postgres. The user must be allowed to create databases.`,
      },
    )
  }
  await drill.checkServer(target, signal)
  return target
}
