// What the record of a backup says, for the faces to show.
import { recordedKind } from '@telegram-backup/connectors/registry.ts'
import type { SourceWords } from '@telegram-backup/connectors/source-words.ts'
import type { Backup } from '@telegram-backup/database'

export { readDevices } from '@telegram-backup/connectors/directory/devices.ts'
export { readOutsideLinks } from '@telegram-backup/connectors/directory/pack/outside-links.ts'
export { mayBeResumed, resumableUntil } from '@telegram-backup/vault/session/resumable.ts'

/** Where its source is, and what it holds, as far as its record tells. */
export function describeSource({ source }: Pick<Backup, 'source'>): SourceWords {
  return (source !== null && recordedKind(source)?.describe?.(source)) || {}
}
