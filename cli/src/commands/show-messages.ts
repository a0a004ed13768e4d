import type { MessageRow } from '@telegram-backup/database'
import { formatBytes, formatTable, NONE } from '@telegram-backup/engine/units/human-units.ts'

/**
 * The messages of a backup as a table: its own chat first, and in each chat the manifest last. Below it, the
 * errors of single messages. With more than one chat there is a column for the chat.
 */
export function describeMessages(messages: readonly MessageRow[], ownChat: string | null): string[] {
  const hasChats = new Set(messages.map(({ chat_id }) => chat_id)).size > 1
  const sorted = messages.toSorted(
    (a, b) =>
      Number(b.chat_id === ownChat) - Number(a.chat_id === ownChat) ||
      a.chat_id.localeCompare(b.chat_id) ||
      Number(a.kind === 'manifest') - Number(b.kind === 'manifest') ||
      a.part_no - b.part_no,
  )
  const rows = sorted.map(message => [
    ...(hasChats ? [message.chat_id] : []),
    message.kind === 'manifest' ? 'manifest' : String(message.part_no),
    message.state,
    formatBytes(message.size),
    String(message.message_id ?? NONE),
    message.sha256.slice(0, 16),
  ])
  const heading = [...(hasChats ? ['CHAT'] : []), 'PART', 'STATE', 'SIZE', 'MESSAGE', 'SHA-256']
  const faults = sorted.filter(({ error }) => error !== null)
  return [
    formatTable([heading, ...rows]),
    ...(messages.some(({ kind }) => kind === 'manifest') ? [] : ['manifest: none']),
    ...faults.map(message => `${nameOf(message, hasChats)}: ${message.error}`),
  ]
}

/** `part 3 (message 12)`, `manifest (message 13 of chat -100…)`. */
function nameOf({ kind, part_no, message_id, chat_id }: MessageRow, hasChats: boolean): string {
  const what = kind === 'manifest' ? 'manifest' : `part ${part_no}`
  return `${what} (message ${message_id ?? 'unknown'}${hasChats ? ` of chat ${chat_id}` : ''})`
}
