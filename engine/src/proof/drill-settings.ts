import type { NamedTarget } from '@telegram-backup/connectors/drilling.ts'
import { connectorOf, recordedKind, restoreOf } from '@telegram-backup/connectors/registry.ts'
import type { RestoreTarget } from '@telegram-backup/connectors/restoring.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { type ConfigFile, readConfigFile } from '#config/config-file.ts'
import type { SourceSettings } from '#config/source-settings.ts'
import type { Config } from '#environment.ts'
import { readTarget, targetIn } from '#restore/restore-target.ts'

type OfSource = Pick<BackupDetails, 'source_name' | 'source' | 'project_id'>

/** What telegram-backup.yaml says about drills of this source; nothing of a source that it does not name. */
export function drillSettingsIn(
  file: Pick<ConfigFile, 'sourceNames' | 'source'>,
  { source_name: name, source, project_id }: OfSource,
): Pick<SourceSettings, 'trust_dump' | 'drill_on'> {
  if (name === null || !file.sourceNames.includes(name)) return {}
  const kind = recordedKind(source)
  const { project, trust_dump, drill_on } = file.source(name)
  // Another project's backup only bears the name.
  if (project !== project_id) return {}
  return {
    ...(kind?.settings.includes('trust_dump') && { trust_dump }),
    // Globals of a cluster are drilled on a temporary server alone.
    ...(kind?.drill?.checkServer !== undefined && { drill_on }),
  }
}

/** Throws `CONFIGURATION` for a source whose `drill_on` names no target. Opens nothing. */
export function assertDrillTarget(file: ConfigFile, { drill_on: name }: SourceSettings): void {
  if (name !== undefined && !file.targetNames.includes(name)) {
    const known = file.targetNames.length > 0 ? ` There are: ${file.targetNames.join(', ')}.` : ''
    throw new BackupError(
      `"drill_on" names a target that does not exist: ${JSON.stringify(name.slice(0, 80))}`,
      {
        code: 'CONFIGURATION',
        hint: `Write the name of an entry below "targets:" of telegram-backup.yaml.${known}`,
      },
    )
  }
}

/** The server of a drill, and what hides its place in errors that not only its owner reads. */
export interface DrillServer {
  target: RestoreTarget
  hide: (error: unknown) => unknown
}

/**
 * The server that `drill_on` of a source names. Throws `CONFIGURATION` for an unknown target, and why it
 * cannot be used.
 */
export async function configuredServer(
  file: ConfigFile,
  name: string,
  signal: AbortSignal,
): Promise<DrillServer> {
  assertDrillTarget(file, { drill_on: name })
  const target = await targetIn(file.target(name))
  const hide = (await restoreOf(target).hideTarget?.(target, name)) ?? (error => error)
  await assertDrillServer(target, signal).catch((error: unknown) => {
    throw hide(error)
  })
  return { target, hide }
}

/** The server that a person names. Throws `USAGE`, `CONFIGURATION`, and why it cannot be used. */
export async function namedServer(
  on: string,
  { config, signal }: { config: Config; signal: AbortSignal },
): Promise<DrillServer> {
  const target = await readTarget(on, config, { mayBeDirectory: false })
  await assertDrillServer(target, signal)
  return { target, hide: error => error }
}

async function assertDrillServer(target: RestoreTarget, signal: AbortSignal): Promise<void> {
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
}

/** Targets with a server for drills. Leaves out those that cannot be used. Opens nothing. */
export async function drillTargets(config: Config): Promise<NamedTarget[]> {
  const file = await readConfigFile(config)
  const read = async (name: string): Promise<NamedTarget[]> => {
    const target = await targetIn(file.target(name))
    return connectorOf(target).drill?.checkServer === undefined ? [] : [{ name, target }]
  }
  // A variable of another target may not be set here.
  const found = await Promise.all(file.targetNames.map(name => read(name).catch(() => [])))
  return found.flat()
}
