import { describe, expect, test } from 'vitest'
import type { CatalogRows, MessageRow, ObjectRow } from '#torture/judge/catalog-rows.ts'
import { chatCheck } from '#torture/judge/chat-check.ts'
import { stateCheck } from '#torture/judge/state-check.ts'
import type { VisibleMessage } from '#torture/world/chat-view.ts'
import type { World } from '#torture/world/world.ts'

const ID = '3f0c2c1e-0000-4000-8000-000000000001'
const SHA = 'a'.repeat(64)

const part = (messageId: number, partNumber = 1, state = 'sent'): MessageRow => ({
  backupId: ID,
  chatId: '-1',
  kind: 'part',
  partNumber,
  messageId,
  sha256: SHA,
  state,
})

const message = (id: number, line: string): VisibleMessage => ({
  id,
  byBot: true,
  pinned: false,
  caption: `words\n${line}`,
  document: { fileName: 'x', size: 1 },
})

const ofPart = (id: number, partNumber = 1): VisibleMessage =>
  message(id, `telegram-backup 1 backup=${ID} part=${partNumber} sha256=${SHA}`)

const rowsOf = (rows: Partial<CatalogRows>): CatalogRows => ({
  backups: [],
  messages: [],
  packs: [],
  objects: [],
  uploads: [],
  openSends: [],
  leases: [],
  indexes: new Map(),
  unsure: new Set(),
  remnants: new Set(),
  evidence: new Set(),
  ...rows,
})

const backup = (state: string, error: string | null = null): CatalogRows['backups'][number] => ({
  id: ID,
  state,
  plainSha256: SHA,
  error,
  damaged: false,
  resumable: false,
  partCount: 1,
  chatId: '-1',
})

function worldOf(messages: VisibleMessage[], human: Partial<World['human']> = {}): World {
  const view = { messages: async () => messages, bytes: async () => Buffer.alloc(0) }
  return {
    chat: { id: '-1', view },
    replica: undefined,
    human: {
      wrote: new Set(),
      deleted: new Set(),
      damaged: new Set(),
      copies: new Map(),
      pinned: false,
      ...human,
    },
    acknowledged: new Map([[ID, SHA]]),
    condemned: new Set(),
    resumed: [],
    collected: new Set(),
    strays: new Set(),
    former: [],
    kept: new Set(),
  } as unknown as World
}

describe('the chat', () => {
  test('is in order when each message is known', async () => {
    const world = worldOf([
      ofPart(2),
      ofPart(3, 2),
      message(4, 'telegram-backup 1 index catalog=x.1 edition=1-a'),
    ])
    const rows = rowsOf({ messages: [part(2), part(3, 2)], indexes: new Map([['-1', 4]]) })
    expect(await chatCheck(world, rows)).toEqual([])
  })

  test.each([
    ['a message that nobody knows', [ofPart(2), ofPart(5, 9)], [part(2)], 'unknown: message 5'],
    ['a part that is there twice', [ofPart(2), ofPart(3)], [part(2), part(3, 7)], 'twice: '],
    ['an erased message that lives', [ofPart(2)], [part(2, 1, 'erased')], 'unknown: message 2'],
    ['a known message that is gone', [], [part(2)], 'missing: part 1'],
    ['a text of ours', [{ id: 9, byBot: true, pinned: false, text: 'probe' }], [], 'unknown: message 9'],
  ] as Array<[string, VisibleMessage[], MessageRow[], string]>)(
    'shows %s',
    async (_, messages, known, words) => {
      const violations = await chatCheck(worldOf(messages), rowsOf({ messages: known }))
      expect(violations).toEqual([expect.stringContaining(words)])
    },
  )

  test('may keep what a recovery was unsure of, and only where there was one', async () => {
    const rows = rowsOf({ unsure: new Set(['-1 7']) })
    const messages = [message(7, 'telegram-backup 1 index catalog=x.1 edition=1-a')]
    const before = worldOf(messages)
    expect(await chatCheck(before, rows)).toEqual([expect.stringContaining('unknown: message 7')])
    const after = { ...before, former: [{}] } as unknown as World
    expect(await chatCheck(after, rows)).toEqual([])
    expect(await chatCheck(after, rowsOf({}))).toEqual([expect.stringContaining('unknown: message 7')])
  })

  test('may keep a lost copy of a person’s message in a group, and no other text', async () => {
    const copy: VisibleMessage = { id: 7, byBot: true, pinned: false, text: 'hello' }
    expect(await chatCheck(worldOf([{ ...copy, isOfAPerson: true }]), rowsOf({}))).toEqual([])
    expect(await chatCheck(worldOf([{ ...copy, isOfAPerson: false }]), rowsOf({}))).toEqual([
      expect.stringContaining('unknown: message 7'),
    ])
  })

  test('may keep a leftover message that is too old to be deleted, and no other', async () => {
    const rows = rowsOf({ remnants: new Set(['-1 7']) })
    const copy = message(7, 'telegram-backup 1 index catalog=x.1 edition=1-a')
    expect(await chatCheck(worldOf([{ ...copy, isFixed: true }]), rows)).toEqual([])
    expect(await chatCheck(worldOf([copy]), rows)).toEqual([expect.stringContaining('unknown: message 7')])
  })

  test.each([
    ['a person’s words', { id: 7, byBot: false, pinned: false, text: 'hello' }, 'says nothing of ours'],
    ['a message of a backup', ofPart(2), 'is the part of a backup as well'],
    ['the only message with a part', ofPart(1, 2), 'is the first that says so'],
  ])('shows that a recovery was unsure of %s', async (_, message, words) => {
    const backups = [backup('complete')]
    const rows = rowsOf({ backups, messages: [part(2)], unsure: new Set([`-1 ${message.id}`]) })
    const world = { ...worldOf([ofPart(2), message]), former: [{}] } as unknown as World
    expect(await chatCheck(world, rows)).toContainEqual(expect.stringContaining(words))
  })

  test('may have a copy of a pack that another machine sent while it was taken over, in that chat alone', async () => {
    const copyOf = (id: number) => message(id, `telegram-backup 1 pack=${ID} bucket=b sequence=6 sha256=c`)
    const rows = rowsOf({ messages: [{ ...part(3), kind: 'pack' }] })
    const of = (stray: string) =>
      ({ ...worldOf([copyOf(2), copyOf(3)]), strays: new Set([stray]) }) as unknown as World
    expect(await chatCheck(of(`-1 pack ${ID}`), rows)).toEqual([])
    expect((await chatCheck(of(`-2 pack ${ID}`), rows)).join('\n')).toContain('unknown: message 2')
  })

  test('may lack garbage that another machine erased while it was taken over, and no pack that is needed', async () => {
    const rows = rowsOf({ messages: [{ ...part(2), kind: 'pack', backupId: 'a pack' }] })
    const gone = [expect.stringContaining('missing: pack 1 of a pack')]
    expect(await chatCheck(worldOf([]), rows)).toEqual(gone)
    const world = { ...worldOf([]), collected: new Set(['a pack']) } as unknown as World
    expect(await chatCheck(world, rows)).toEqual([])
    const live = {
      state: 'live',
      extents: [{ pack: 'a pack', offset: 0, length: 1 }],
    } as unknown as ObjectRow
    expect(await chatCheck(world, { ...rows, objects: [live] })).toEqual(gone)
  })

  test('may lack what people have deleted, and not what they wrote', async () => {
    const world = worldOf([], { deleted: new Set([2]), wrote: new Set([8]) })
    expect(await chatCheck(world, rowsOf({ messages: [part(2)] }))).toEqual([
      "touched: a person's message 8 is gone",
    ])
  })
})

describe('the catalog', () => {
  test.each([
    ['a backup in limbo', rowsOf({ backups: [backup('erasing')] }), 'limbo: backup'],
    ['a backup that was reported as done', rowsOf({ backups: [backup('failed', 'why')] }), 'lost: backup'],
    [
      'a lease without a process',
      rowsOf({ backups: [backup('complete')], leases: [{ subject: ID, purpose: 'send', expired: true }] }),
      'limbo: an expired lease',
    ],
    [
      'an old open send',
      rowsOf({
        backups: [backup('complete')],
        openSends: [{ purpose: 'copy', messageOf: null, ageSeconds: 901 }],
      }),
      'limbo: an open send',
    ],
  ])('shows %s', (_, rows, words) => {
    expect(stateCheck(worldOf([]), rows).join('\n')).toContain(words)
  })
})
