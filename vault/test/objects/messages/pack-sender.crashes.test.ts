import { findPack, openSends } from '@telegram-backup/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPackWorld, type PackWorld } from '#test/objects/packs-in-a-chat.ts'

let world: PackWorld

beforeEach(async () => {
  world = await openPackWorld()
})

afterEach(() => world.close())

describe('a pack', () => {
  it('is in the chat once, with its caption and name, and its object is live', async () => {
    const { pack, messageId } = await world.process().store('data/a')
    const [message, ...others] = world.packsInChat()
    expect(others).toEqual([])
    expect(message?.message_id).toBe(messageId)
    expect(message?.caption).toMatch(/^shop · bucket photos · .* UTC · pack 1\ntelegram-backup 1 pack=/)
    expect(message?.caption).toContain(`bucket=${world.bucket.id} sequence=1 sha256=${pack.sha256} catalog=`)
    expect(message?.document?.file_name).toMatch(/^photos_pack_\d{8}T\d{6}Z_[0-9a-f]{8}\.zst\.age$/)
    expect(await world.object('data/a')).toMatchObject({ state: 'live', pack_id: pack.packId })
    await world.expectAgreement()
  })

  it.each([
    ['is cut off', { kind: 'answer-lost' }, 0],
    [
      'becomes a 502 of a proxy, and the message comes late',
      { kind: 'late', ms: 1_500, answer: 'bad-gateway' },
      0,
    ],
    // The message of the first call may still come: it is looked for again for 15 minutes.
    ['is a 500, and there is no message', { kind: 'status', status: 500 }, 1],
    ['is lost since it never reached the server', { kind: 'reset-during' }, 1],
  ] as const)('whose answer %s is there once', async (_, fault, open) => {
    const process = world.process()
    const { pack, turn } = await process.make('data/a')
    world.vault.emulator.faults.on('sendDocument', { call: 1 }, fault)
    await process.sender.send(pack, turn, world)
    expect(world.packsInChat()).toHaveLength(1)
    expect(await world.object('data/a')).toMatchObject({ state: 'live' })
    await world.expectAgreement({ open })
  })

  it('whose answers are all lost without a message is sent three times, and stays open for reconcile', async () => {
    const process = world.process()
    const { pack, turn } = await process.make('data/a')
    world.vault.emulator.faults.on('sendDocument', { calls: 9 }, { kind: 'status', status: 502 })
    await expect(process.sender.send(pack, turn, world)).rejects.toMatchObject({ code: 'ANSWER_LOST' })
    expect(await openSends(world.database, {})).toHaveLength(3)
    expect(process.sender.isUnderWay(pack.packId)).toBe(false)
    expect(await findPack(world.database, pack.packId)).toMatchObject({ state: 'intended' })
    expect(await world.object('data/a')).toBeUndefined()
  })

  it.each([
    ['is too large for a proxy', { kind: 'too-large', body: 'html' }],
    ['the bot may not send any more', { kind: 'error', errorCode: 403, description: 'Forbidden: no rights' }],
  ] as const)('that %s leaves nothing', async (_, fault) => {
    const process = world.process()
    const { pack, turn } = await process.make('data/a')
    world.vault.emulator.faults.on('sendDocument', { calls: 9 }, fault)
    await expect(process.sender.send(pack, turn, world)).rejects.toThrow()
    expect(await findPack(world.database, pack.packId)).toBeNull()
    expect(world.packsInChat()).toEqual([])
    world.vault.emulator.faults.clear()
    await process.store('data/b')
    await world.expectAgreement()
  })

  it('waits for a flood to end', async () => {
    const process = world.process()
    const { pack, turn } = await process.make('data/a')
    world.vault.emulator.faults.on('sendDocument', { call: 1 }, { kind: 'flood', retryAfterSeconds: 1 })
    await process.sender.send(pack, turn, world)
    await world.expectAgreement()
  })
})

describe('several packs', () => {
  it('that are sent at once are all there, and are checked against a takeover together', async () => {
    const process = world.process()
    await process.store('data/0')
    const made = await Promise.all(['a', 'b', 'c'].map(name => process.make(`data/${name}`)))
    const before = world.vault.emulator.inspect.calls('getChat')
    await Promise.all(made.map(({ pack, turn }) => process.sender.send(pack, turn, world)))
    expect(world.packsInChat()).toHaveLength(4)
    expect(world.vault.emulator.inspect.calls('getChat') - before).toBeLessThanOrEqual(3)
    await world.expectAgreement()
  })

  it('of two processes have numbers of their own', async () => {
    const one = world.process()
    const other = world.process()
    await Promise.all([one.store('data/a'), other.store('data/b'), one.store('data/c')])
    expect(
      new Set(world.packsInChat().map(({ caption }) => /sequence=(\d+)/.exec(caption ?? '')?.[1])),
    ).toEqual(new Set(['1', '2', '3']))
    await world.expectAgreement()
  })
})
