import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import type { Drill, DrillPlace, NamedTarget } from '@telegram-backup/connectors/drilling.ts'
import { restoringConnector } from '@telegram-backup/connectors/registry.ts'
import type { Backup, BackupDetails } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { readIdentities } from '#age-keys.ts'
import { readConfigFile } from '#config/config-file.ts'
import type { Engine, Watching } from '#engine.ts'
import { findBackup } from '#operations/find-backup.ts'
import { postEvidenceQuietly } from '#operations/post-evidence.ts'
import { drillBackup, onServerOf } from '#proof/drill-backup.ts'
import type { DrillReport } from '#proof/drill-report.ts'
import {
  configuredServer,
  type DrillServer,
  drillSettingsIn,
  drillTargets,
  namedServer,
} from '#proof/drill-settings.ts'
import { scratchIn } from '#proof/scratch.ts'
import { BackupContents, type ReadHooks } from '#restore/contents.ts'

export interface DrillRequest {
  /**
   * A PostgreSQL URL or a target of telegram-backup.yaml, where databases are created and dropped. By
   * default, the target that `drill_on` of the source names, else a temporary server.
   */
  on?: string | undefined
  /** The same by the name of a target alone; errors do not show its place. */
  target?: string | undefined
  /** On that server, creates roles that it lacks, and drops them afterwards. */
  createRoles: boolean
  /**
   * On a temporary server, also for sources with `drill_on`, runs every dump as its superuser; else only
   * dumps of sources with `trust_dump`.
   */
  trustDump: boolean
  /** The job that asked for it; for the record. */
  jobId?: string | undefined
  /** For the evidence; names neither users nor machines. Default: the command line. */
  startedBy?: string | undefined
}

export interface DrillHooks extends Watching, ReadHooks, Pick<Drill, 'onCompare' | 'onRestored'> {
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
  const { signal, note, onPart, onBytes, onCompare, onRestored } = hooks
  const { createRoles, startedBy = 'a person or program at the command line' } = request
  const scratch = scratchIn(config.stateFolder)
  const signingKey = await loadOrCreateSigningKey(config.signingKeyFile).catch((error: unknown) => {
    note(`warning: the drill leaves no evidence, since nothing can sign it: ${describeError(error).message}`)
    return undefined
  })
  const siteOf = await sitesOf(engine, request, signal)
  const placeFor = async (backup: BackupDetails): Promise<DrillPlace & Pick<DrillServer, 'hide'>> => {
    const { server, trustDump } = await siteOf(backup)
    const { target: on, hide = (error: unknown) => error } = server ?? {}
    const targets = (): Promise<NamedTarget[]> => drillTargets(config)
    return { on, hide, trustDump, createRoles, scratch, targets, signal }
  }
  return {
    check: async ({ id }) => {
      const backup = await findBackup(database, id)
      await readIdentities(config, backup.encrypted !== false)
      // A file without a record may be a dump; its first bytes decide that later.
      const connector = restoringConnector(backup)
      if (connector?.drill === undefined) return
      const place = await placeFor(backup)
      await connector.drill.check(backup, onServerOf(connector, place)).catch((error: unknown) => {
        throw place.hide(error)
      })
    },
    make: async ({ id }) => {
      // Read again: verifying may have repaired it.
      const backup = await findBackup(database, id)
      const place = await placeFor(backup)
      const catalog = async () => database
      const contents = await BackupContents.open(backup, { ...engine, catalog, note, signal })
      hooks.onStart?.({ partCount: contents.partCount, plainBytes: backup.size })
      try {
        return await drillBackup({
          ...{ ...place, database, backup, onCompare, onRestored, signingKey, startedBy },
          jobId: request.jobId,
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

interface DrillSite {
  server: DrillServer | undefined
  trustDump: boolean
}

/** Where each backup is drilled. Throws `USAGE`, `CONFIGURATION`, and why the named server cannot be used. */
async function sitesOf(
  { config }: Engine,
  request: DrillRequest,
  signal: AbortSignal,
): Promise<(backup: BackupDetails) => Promise<DrillSite>> {
  if (request.on !== undefined) {
    const server = await namedServer(request.on, { config, signal })
    return async () => ({ server, trustDump: false })
  }
  if (request.target !== undefined) {
    const server = await configuredServer(await readConfigFile(config), request.target, signal)
    return async () => ({ server, trustDump: false })
  }
  if (request.trustDump) return async () => ({ server: undefined, trustDump: true })
  const file = await readConfigFile(config)
  return async backup => {
    const { trust_dump: trustDump = false, drill_on: name } = drillSettingsIn(file, backup)
    if (name === undefined) return { server: undefined, trustDump }
    return { server: await configuredServer(file, name, signal), trustDump: false }
  }
}
