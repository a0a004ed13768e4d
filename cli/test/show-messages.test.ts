import type { MessageRow } from '@telegram-backup/database'
import { describe, expect, test } from 'vitest'
import { describeMessages } from '#commands/show-messages.ts'

function row(more: Partial<MessageRow>): MessageRow {
  return {
    ...{ chat_id: '-1', kind: 'part', part_no: 1, state: 'sent', message_id: 10, size: 2048, error: null },
    ...{ sha256: 'ab'.repeat(32), bot_id: '1', file_id: 'f', file_unique_id: 'u', file_name: 'f' },
    ...{ plain_offset: null, plain_size: null, plain_sha256: null, sent_at: null, erased_at: null },
    intended_at: new Date(),
    ...more,
  }
}

const manifest = (more: Partial<MessageRow> = {}): MessageRow =>
  row({ kind: 'manifest', part_no: 0, message_id: 12, ...more })

describe('the messages of a backup', () => {
  test('in one chat are listed without it, the manifest last', () => {
    expect(describeMessages([manifest(), row({}), row({ part_no: 2, message_id: 11 })], '-1')).toEqual([
      [
        'PART      STATE  SIZE     MESSAGE  SHA-256',
        '1         sent   2.0 KiB  10       abababababababab',
        '2         sent   2.0 KiB  11       abababababababab',
        'manifest  sent   2.0 KiB  12       abababababababab',
      ].join('\n'),
    ])
  })

  test('in two chats are told apart, its own first, each with its manifest, state and fault', () => {
    const copies = [manifest({ chat_id: '-0', state: 'tombstone' }), row({ chat_id: '-0', message_id: 7 })]
    const own = [row({ state: 'missing', error: 'a person deleted it' }), manifest({ state: 'erased' })]
    expect(describeMessages([...copies, ...own], '-1')).toEqual([
      [
        'CHAT  PART      STATE      SIZE     MESSAGE  SHA-256',
        '-1    1         missing    2.0 KiB  10       abababababababab',
        '-1    manifest  erased     2.0 KiB  12       abababababababab',
        '-0    1         sent       2.0 KiB  7        abababababababab',
        '-0    manifest  tombstone  2.0 KiB  12       abababababababab',
      ].join('\n'),
      'part 1 (message 10 of chat -1): a person deleted it',
    ])
  })

  test('without a manifest say so', () => {
    expect(describeMessages([row({})], '-1').at(-1)).toBe('manifest: none')
    expect(describeMessages([], null).at(-1)).toBe('manifest: none')
  })
})
