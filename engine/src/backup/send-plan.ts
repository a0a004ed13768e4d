import type { SourceChoice } from '@telegram-backup/connectors/connector.ts'
import { connectorOf } from '@telegram-backup/connectors/registry.ts'
import type { GroupPlace } from '@telegram-backup/database'
import { BackupError, hint, option, run } from '@telegram-backup/errors'
import type { BackupType, ResumedSend } from 'telegram-deployment-bot'
import { chooseSource, type SourceSettings } from '#config/source-settings.ts'
import type { SourceHooks } from '#source-hooks/between-hooks.ts'
import { parseExpiry, parseRate } from '#units/quantities.ts'
import { readTags } from '#units/tags.ts'

export interface SendPlan {
  project: string
  type: BackupType
  source: SourceChoice
  /** Its name in telegram-backup.yaml. */
  sourceName?: string | undefined
  filename: string | undefined
  caption: string | undefined
  tags: readonly string[]
  chat: string | undefined
  expiresAt: Date | undefined
  bytesPerSecond: number | undefined
  resume?: ResumedSend | undefined
  /** The source is a member of one that consists of several. */
  group?: GroupPlace | undefined
  /** Programs to run before and after. */
  hooks?: SourceHooks | undefined
}

/** Reads the settings of a source. Throws `USAGE`. */
export function planSource(settings: SourceSettings): SendPlan {
  const { expires, limit_rate: limitRate, before = [], after = [] } = settings
  const source = chooseSource(settings)
  if (settings.filename !== undefined && connectorOf(source).group !== undefined) {
    throw new BackupError('Each backup of this source has a file name of its own', {
      code: 'USAGE',
      hint: hint`Leave ${option('filename')} out.`,
    })
  }
  return {
    ...whatItIs(settings),
    source,
    filename: settings.filename,
    caption: settings.caption,
    tags: readTags([...(settings.tags ?? []), ...(settings.tag ?? [])]),
    chat: settings.chat,
    expiresAt: expires === undefined ? undefined : readExpiry(expires),
    bytesPerSecond: limitRate === undefined ? undefined : parseRate(limitRate),
    hooks: before.length + after.length === 0 ? undefined : { before, after },
  }
}

/** The project and the type of a source. Throws `USAGE`. */
export function whatItIs({ project, type }: SourceSettings): Pick<SendPlan, 'project' | 'type'> {
  if (project === undefined || type === undefined) {
    throw new BackupError('Name the project and the type', {
      code: 'USAGE',
      hint: hint`Give ${option('project', 'ID')} and ${option('type')} database, storage or logs.`,
    })
  }
  return { project, type: type as BackupType }
}

/** Throws `USAGE`. */
function readExpiry(text: string): Date {
  if (text.trim().toLowerCase() !== 'never') return parseExpiry(text)
  throw new BackupError('A backup always has an expiry', {
    code: 'USAGE',
    hint: hint`Send it, then pin it: ${run('pin', 'ID')} keeps it until it is unpinned.`,
  })
}
