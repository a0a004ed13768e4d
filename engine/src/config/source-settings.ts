import type { SettingReaders, SourceChoice } from '@telegram-backup/connectors/connector.ts'
import { type AnyConnector, CONNECTORS, type PlaceSettings } from '@telegram-backup/connectors/registry.ts'
import { BackupError, hint, option } from '@telegram-backup/errors'
import type { HookCommand } from '#config/hook-settings.ts'
import { parsePastTime, parseSpanMs } from '#units/quantities.ts'

/**
 * A source in `telegram-backup.yaml`, or the options of `send`: the place and the settings of exactly one
 * kind of source, and these.
 */
export interface SourceSettings extends PlaceSettings {
  project?: string | undefined
  type?: string | undefined
  filename?: string | undefined
  caption?: string | undefined
  /** Of the configuration file, and of the command; they add up. */
  tags?: readonly string[] | undefined
  tag?: readonly string[] | undefined
  chat?: string | undefined
  expires?: string | undefined
  limit_rate?: string | undefined
  /** Without a complete backup for so long, the source is overdue. */
  no_backup_for?: string | undefined
  /** A drill has to prove it within so long; off: no drills by themselves. */
  drill_within?: string | false | undefined
  /** Programs that run before the source is read; the file alone names them, no option and no request. */
  before?: HookCommand[] | undefined
  /** Programs that run when the backup has ended, however it ended. */
  after?: HookCommand[] | undefined
}

const READERS: SettingReaders = { spanMs: parseSpanMs, pastTime: text => parsePastTime(text) }

/** Throws `USAGE` unless there is exactly one source, without settings of another kind. */
export function chooseSource(settings: SourceSettings): SourceChoice {
  const isGiven = (name: string): boolean => settings[name as keyof SourceSettings] !== undefined
  const [chosen, ...others] = CONNECTORS.filter(one => namesPlaceOf(one, settings))
  if (chosen === undefined || others.length > 0) {
    throw new BackupError('Name exactly one source', {
      code: 'USAGE',
      hint: hint`Give ${option('file', 'PATH')}, ${option('postgres', 'URL')}, ${option('postgres-cluster', 'URL')}, ${option('directory', 'PATH')}, ${option('source', 'NAME')}, or - for standard input.`,
    })
  }
  for (const other of CONNECTORS) {
    const foreign = other.settings.find(name => isGiven(name) && !chosen.settings.includes(name))
    if (foreign === undefined) continue
    throw new BackupError(`${settingName(foreign)} cannot be combined with ${settingName(chosen.place)}`, {
      code: 'USAGE',
      hint: `It belongs to ${settingName(other.place)}.`,
    })
  }
  return chosen.choose(settings, READERS)
}

export function namesPlace(settings: SourceSettings): boolean {
  return CONNECTORS.some(({ place }) => settings[place as keyof SourceSettings] !== undefined)
}

function namesPlaceOf({ place }: AnyConnector, settings: SourceSettings): boolean {
  const given = settings[place as keyof SourceSettings]
  return given !== undefined && given !== false
}

function settingName(name: string): string {
  return name === 'stdin' ? 'standard input' : `"${name.replaceAll('_', '-')}"`
}
