import { PROOF_MODES } from '@telegram-backup/connectors/proof-mode.ts'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import type { BackupType, DeclaredPlaces, DeclaredSource, DeclaringService } from '@telegram-backup/database'
import { planSource } from '#backup/send-plan.ts'
import type { ConfigFile } from '#config/config-file.ts'
import { drillWithinMs, type KeyConfig } from '#config/drill-wishes.ts'
import { readNoBackupFor } from '#config/notification-settings.ts'
import { chooseSource, type SourceSettings } from '#config/source-settings.ts'
import type { WatchRules } from '#monitoring/conditions.ts'
import { targetKindIn } from '#restore/restore-target.ts'

type SourcesOfFile = Pick<
  ConfigFile,
  'sourceNames' | 'source' | 'projectOf' | 'notifications' | 'verification'
>

/** What others may know of a file: names, kinds, projects and limits, never a place or a secret. */
export function declaredPlaces(
  file: SourcesOfFile & Pick<ConfigFile, 'targetNames' | 'target'>,
  config: KeyConfig,
): DeclaredPlaces {
  const targets = file.targetNames.map(name => ({
    name,
    project_id: file.projectOf('target', name) ?? null,
    kind: read(() => targetKindIn(file.target(name)).kind) ?? null,
  }))
  return { sources: declaredSources(file, config), targets }
}

/** The sources that a file names. One that cannot be read is there as well; its jobs report the error. */
export function declaredSources(file: SourcesOfFile, config: KeyConfig): DeclaredSource[] {
  const limitOfAll = read(() => file.notifications().noBackupForMs) ?? null
  return file.sourceNames.map(name => {
    const settings = read(() => file.source(name))
    return {
      name,
      project_id: file.projectOf('source', name) ?? null,
      type: (settings?.type as BackupType | undefined) ?? null,
      ...(settings === undefined ? UNREADABLE : kindOf(settings)),
      no_backup_for_ms: read(() => readNoBackupFor(settings?.no_backup_for)) ?? limitOfAll,
      drill_within_ms:
        settings !== undefined && read(() => isDrillable(settings))
          ? drillWithinMs(
              { bySource: settings.drill_within, byFile: file.verification.drillWithinMs },
              config,
            )
          : null,
    }
  })
}

const UNREADABLE = { kind: null, is_usable: false, proof: null }

function kindOf(settings: SourceSettings): Pick<DeclaredSource, 'kind' | 'is_usable' | 'proof'> {
  const plan = read(() => planSource(settings))
  if (plan === undefined) return UNREADABLE
  const { source } = plan
  const proof = PROOF_MODES.find(mode => 'proof' in source && source.proof === mode) ?? null
  return { kind: connectorOf(source).kind, is_usable: true, proof }
}

/** A file or a stream is known to hold nothing that a drill could restore, unless it is a database's dump. */
function isDrillable(settings: SourceSettings): boolean {
  return settings.type === 'database' || connectorOf(chooseSource(settings)).drill !== undefined
}

function read<Value>(from: () => Value): Value | undefined {
  try {
    return from()
  } catch {
    return undefined
  }
}

/** What any file names: this process knows its own as it is now. */
export function allDeclared(
  services: readonly DeclaringService[],
  own: readonly DeclaredSource[],
): DeclaredSource[] {
  return [...services.flatMap(({ sources }) => sources), ...own]
}

/** The rules that follow from what files name. */
export type DeclaredRules = Pick<WatchRules, 'ownNoBackupForMs' | 'ownPlaces'>

/** Of a name that several files have, the shortest limit counts. */
export function declaredRules(declared: readonly DeclaredSource[]): DeclaredRules {
  const ownNoBackupForMs = new Map<string, number | null>()
  const ownPlaces = new Map<string, string[]>()
  for (const { name, project_id, type, no_backup_for_ms: limit } of declared) {
    const known = ownNoBackupForMs.get(name) ?? null
    ownNoBackupForMs.set(name, limit === null || known === null ? (known ?? limit) : Math.min(known, limit))
    if (project_id === null || type === null) continue
    ownPlaces.set(name, [...(ownPlaces.get(name) ?? []), `${project_id}/${type}`])
  }
  return { ownNoBackupForMs, ownPlaces }
}
