import { randomBytes } from 'node:crypto'
import { catalogIdentity } from '@telegram-backup/database'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { checkChatAccess, writeIndexCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reconcile } from '#reconcile/reconcile.ts'
import { watchOwnership } from '#session/chat-ownership.ts'
import { sessionOf } from '#test/recover/session-of.ts'

// A machine that took the chat over and sent nothing is named by its index alone, which people may delete.

let machines: Machines
let old: Machine

beforeEach(async () => {
  machines = await openMachines()
  old = await machines.open()
})

afterEach(() => machines.close())

function deleteIndex(chatId: number = machines.vault.chatId): void {
  const { emulator } = machines.vault
  const pinned = emulator.inspect.messages(chatId).findLast(message => message.pinned)
  emulator.asHuman.deleteMessage(chatId, pinned?.message_id ?? 0)
}

/**
 * Another one takes the chat over, a second later at least by Telegram's clock: what happens within one is a
 * race of two.
 */
async function recovered(options?: { chatId: number }): Promise<Machine> {
  machines.vault.emulator.clock.advance(1_000)
  const machine = await machines.open(options)
  expect(await machine.recover()).toMatchObject({ indexFailure: null })
  return machine
}

const generationOf = async ({ database }: Machine): Promise<number> =>
  (await catalogIdentity(database)).generation

const pins = (chatId: number): number[] =>
  machines.vault.emulator.inspect
    .messages(chatId)
    .flatMap(({ message_id, pinned }) => (pinned ? [message_id] : []))

describe('a machine that takes the chat over without an index', () => {
  test.each([1, 2])('has it for itself after %i takeovers that left no other trace', async times => {
    const { id, bytes } = await old.send(1000)
    const displaced: Machine[] = [old]
    for (let time = 0; time < times; time++) displaced.push(await recovered())
    deleteIndex()
    const owner = await recovered()
    const before = machines.vault.messageIds()
    for (const machine of displaced) {
      expect(await generationOf(machine)).toBeLessThan(await generationOf(owner))
      await expect(machine.send(1000)).rejects.toThrow(/taken over/)
    }
    expect(machines.vault.messageIds()).toEqual(before)
    const sent = await owner.send(1000)
    expect((await machines.index()).backups.map(entry => entry.id)).toEqual([id, sent.id])
    // What the other had it can still fetch.
    for (const machine of displaced) expect((await machine.fetch(id)).equals(bytes)).toBe(true)
  })

  test('has it also when nothing is pinned any more', async () => {
    await old.send(1000)
    const displaced = await recovered()
    deleteIndex()
    const owner = await recovered()
    machines.vault.emulator.asHuman.unpin(machines.vault.chatId)
    const before = machines.vault.messageIds()
    for (const machine of [old, displaced]) await expect(machine.send(1000)).rejects.toThrow(/taken over/)
    expect(machines.vault.messageIds()).toEqual(before)
    await owner.send(1000)
    expect(pins(machines.vault.chatId)).toHaveLength(1)
  })

  test('goes by the clock of Telegram, years ahead of its own', async () => {
    const { clock } = machines.vault.emulator
    clock.advance(10 * 365 * 86_400_000)
    await old.send(1000)
    const displaced = await recovered()
    deleteIndex()
    const begun = Math.floor(clock.now() / 1000)
    const owner = await recovered()
    const sinceUnixTime = (await generationOf(owner)) + Date.UTC(2020, 0, 1) / 1000
    expect(sinceUnixTime).toBeGreaterThanOrEqual(begun)
    expect(sinceUnixTime).toBeLessThan(begun + 86_400)
    await expect(displaced.send(1000)).rejects.toThrow(/taken over/)
  })
})

describe('a displaced machine whose index is gone is refused, although the index of the owner is pinned no more', () => {
  async function expectRefused(chatId: number, above: { posts: number; areKept: boolean }): Promise<void> {
    const { emulator } = machines.vault
    await old.send(1000)
    deleteIndex(chatId)
    const owner = await recovered({ chatId })
    emulator.asHuman.unpin(chatId)
    for (let number = 0; number < above.posts; number++) {
      const messageId = await emulator.asHuman.post(chatId, { text: 'hello' })
      if (!above.areKept) emulator.asHuman.deleteMessage(chatId, messageId)
    }
    const before = emulator.inspect.messages(chatId).map(({ message_id }) => message_id)
    await expect(old.send(1000)).rejects.toThrow(/taken over/)
    expect(emulator.inspect.messages(chatId).map(({ message_id }) => message_id)).toEqual(before)
    await owner.send(1000)
    expect((await machines.index(chatId)).generation).toBe(await generationOf(owner))
  }

  test('under what people of a channel wrote', () =>
    expectRefused(machines.vault.chatId, { posts: 30, areKept: true }))

  test('under hundreds of messages that were deleted since', () =>
    expectRefused(machines.vault.chatId, { posts: 400, areKept: false }))

  test('under hundreds of messages that people of a group wrote', async () => {
    const { emulator } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    const { id } = emulator.createChat({ type: 'supergroup', title: 'Vault', administrators: [{ bot }] })
    old = await machines.open({ chatId: id })
    await expectRefused(id, { posts: 400, areKept: true })
  })
})

test('the owner whose index was deleted makes another, and whoever takes over after that has the chat', async () => {
  await old.send(1000)
  const owner = await recovered()
  deleteIndex()
  await owner.send(1000)
  expect((await machines.index()).generation).toBe(await generationOf(owner))
  const next = await recovered()
  await expect(owner.send(1000)).rejects.toThrow(/taken over/)
  await next.send(1000)
})

test('a service that runs on the displaced machine hears of it when it looks', async () => {
  await old.send(1000)
  const displaced = await recovered()
  const { database, client } = displaced
  const assertOwn = watchOwnership({ database, client, withinMs: 600_000 })
  const look = async (): Promise<void> =>
    assertOwn(await checkChatAccess(client, String(machines.vault.chatId)), {
      signal: new AbortController().signal,
    })
  await look()
  deleteIndex()
  await look()
  await recovered()
  await expect(look()).rejects.toMatchObject({ code: 'CONFIGURATION' })
})

test('a displaced machine reconciles nothing and draws nothing in the chat', async () => {
  await old.send(1000)
  const displaced = await recovered()
  deleteIndex()
  await recovered()
  const before = machines.vault.messageIds()
  const report = await reconcile(sessionOf(displaced, machines.vault))
  expect(JSON.stringify(report)).toContain('taken over')
  expect(machines.vault.messageIds()).toEqual(before)
})

test.each(['with an index', 'without'])(
  'of two machines that take the chat over at once, one has it, and the other is told: %s',
  async how => {
    const { id } = await old.send(1000)
    if (how === 'without') deleteIndex()
    const both = [await machines.open(), await machines.open()]
    await Promise.all(both.map(machine => machine.recover()))
    const sends = await Promise.allSettled(both.map(machine => machine.send(1000)))
    const failures = sends.flatMap(sent => (sent.status === 'rejected' ? [String(sent.reason)] : []))
    expect(failures).toMatchObject([
      expect.stringMatching(/taken over|another copy|not recovered to the end/),
    ])
    const sent = sends.flatMap(one => (one.status === 'fulfilled' ? [one.value.id] : []))
    expect((await machines.index()).backups.map(entry => entry.id)).toEqual([id, ...sent])
    // Whoever was told takes it over again, and the other is refused then.
    const loser = both[sends.findIndex(({ status }) => status === 'rejected')]
    expect(
      await loser?.recover({ signers: both.map(({ signer }) => signer).concat(old.signer) }),
    ).toMatchObject({
      indexFailure: null,
    })
    await loser?.send(1000)
    const after = await Promise.allSettled(both.map(machine => machine.send(1000)))
    expect(after.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  },
)

describe('what a person of a group writes as if it were of a later generation', () => {
  let group: number
  const FORGED = [999_999_999, 1_999_999_999]

  beforeEach(async () => {
    const { emulator } = machines.vault
    const bot = emulator.inspect.bots()[0]
    if (bot === undefined) throw new Error('no bot')
    group = emulator.createChat({ type: 'supergroup', title: 'Vault', administrators: [{ bot }] }).id
    old = await machines.open({ chatId: group })
  })

  /** An index by its caption. */
  async function forge(generation: number): Promise<number> {
    const { catalogId: id } = await catalogIdentity(old.database)
    const caption = writeIndexCaption({ catalog: { id, generation }, edition: '999-0a0b0c0d' })
    const document = { fileName: 'index.zst.age', bytes: randomBytes(500) }
    return await machines.vault.emulator.asHuman.post(group, { caption, document })
  }

  test('locks nobody out when it is pinned', async () => {
    await old.send(1000)
    machines.vault.emulator.asHuman.pin(group, await forge(999_999_999))
    const { id } = await old.send(1000)
    const next = await recovered({ chatId: group })
    expect(await generationOf(next)).toBeLessThan(999_999_999)
    await next.send(1000)
    await expect(old.send(1000)).rejects.toThrow(/taken over/)
    expect((await next.fetch(id)).length).toBe(1000)
  })

  test.each(FORGED)(
    'locks out neither a first send nor whoever recovers without an index: %i',
    async generation => {
      await forge(generation)
      await old.send(1000)
      await forge(generation)
      deleteIndex(group)
      const next = await recovered({ chatId: group })
      expect(await generationOf(next)).toBeLessThan(999_999_999)
      await forge(generation)
      await next.send(1000)
      deleteIndex(group)
      await next.send(1000)
      expect(pins(group)).toHaveLength(1)
    },
  )
})
