import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import type { TransferObserver } from '@telegram-backup/engine/wiring.ts'
import { hideSecrets } from '@telegram-backup/errors'
import type { Output } from '#commands/output.ts'
import { formatDuration } from '#commands/progress-facts.ts'

const WAIT_WORDS = { flood: 'as Telegram asks', pace: 'for the pace of the chat', retry: 'before a new try' }
/** Smaller requests are told without their size. */
const WORTH_TELLING_BYTES = 1024

/** Prints each call to the chat and each wait, when the command is verbose. */
export function callLog(output: Output): { observer?: TransferObserver } {
  if (output.detail !== 'verbose') return {}
  return {
    observer: {
      onCall: ({ method, bytes, seconds, messageId, error }) => {
        const size = bytes < WORTH_TELLING_BYTES ? '' : `, ${formatBytes(bytes)}`
        const message = messageId === undefined ? '' : ` message ${messageId}`
        const end = error === undefined ? '' : `, failed: ${hideSecrets(error)}`
        output.step(`${method}${message}${size} in ${formatDuration(seconds)}${end}`)
      },
      onWait: ({ reason, seconds, why }) => {
        const because = why === undefined ? '' : `: ${hideSecrets(why)}`
        output.step(`waiting ${formatDuration(seconds)} ${WAIT_WORDS[reason]}${because}`)
      },
    },
  }
}
