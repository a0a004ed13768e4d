import { checkedTags } from '@telegram-backup/database/input-checks'
import { BackupError, describeError } from '@telegram-backup/errors'

/** The tags that a person wrote, each once and sorted. Throws `USAGE`. */
export function readTags(tags: readonly string[]): string[] {
  try {
    return checkedTags(tags)
  } catch (cause) {
    const { message, hint } = describeError(cause)
    throw new BackupError(message, { code: 'USAGE', hint, cause })
  }
}
