import type { SettingReaders, SourceChoice } from '@telegram-backup/connectors/connector.ts'
import { type AnyConnector, CONNECTORS, type PlaceSettings } from '@telegram-backup/connectors/registry.ts'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { parsePastTime, parseSpanMs } from '#units/quantities.ts'

/**
 * One source as a person writes it: under a name in `telegram-backup.yaml`, or as the options of `send`. It
 * has the place of exactly one kind of source, the settings of that kind, and these.
 */
export interface SourceSettings extends PlaceSettings {
  project?: string | undefined
  type?: string | undefined
  filename?: string | undefined
  caption?: string | undefined
  chat?: string | undefined
  expires?: string | undefined
  limit_rate?: string | undefined
  /** Somebody is told when there was no complete backup for so long. */
  no_backup_for?: string | undefined
}

const READERS: SettingReaders = { spanMs: parseSpanMs, pastTime: text => parsePastTime(text) }

/** Chooses the source. Throws `USAGE` unless there is exactly one, with none of another's settings. */
export function chooseSource(settings: SourceSettings): SourceChoice {
  const isGiven = (name: string): boolean => settings[name as keyof SourceSettings] !== undefined
  const [chosen, ...others] = CONNECTORS.filter(one => namesPlaceOf(one, settings))
  if (chosen === undefined || others.length > 0) {
    throw new BackupError('Name exactly one source', {
      code: 'USAGE',
      hint: hint`Give ${option('file', 'PATH')}, ${option('postgres', 'URL')}, ${option('directory', 'PATH')}, ${option('source', 'NAME')}, or - for standard input.`,
    })
  }
  for (const other of CONNECTORS) {
    const foreign = other.settings.find(name => isGiven(name) && !chosen.settings.includes(name))
    if (foreign === undefined) continue
    throw new BackupError(`${optionOf(foreign)} is of no use with ${optionOf(chosen.place)}`, {
      code: 'USAGE',
      hint: `It belongs to ${optionOf(other.place)}.`,
    })
  }
  return chosen.choose(settings, READERS)
}

/** Whether the settings say what is read. */
export function namesPlace(settings: SourceSettings): boolean {
  return CONNECTORS.some(({ place }) => settings[place as keyof SourceSettings] !== undefined)
}

function namesPlaceOf({ place }: AnyConnector, settings: SourceSettings): boolean {
  const given = settings[place as keyof SourceSettings]
  return given !== undefined && given !== false
}

/** As it is written on the command line. */
function optionOf(name: string): string {
  return name === 'stdin' ? 'standard input' : `--${name.replaceAll('_', '-')}`
}
