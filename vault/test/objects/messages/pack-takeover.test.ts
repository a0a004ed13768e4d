import { randomUUID } from 'node:crypto'
import { findPack, openSends, packMessages } from '@telegram-backup/database'
import { writeIndexCaption } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCatalogVault } from '#ledger/catalog-vault.ts'
import { openPackWorld, type PackWorld } from '#test/objects/packs-in-a-chat.ts'

let world: PackWorld

beforeEach(async () => {
  world = await openPackWorld()
})

afterEach(() => world.close())

/** The index says another catalog from now on, as after a recovery on another machine. */
async function takeOver(): Promise<void> {
  const { database, client, vault } = world
  const chatId = String(vault.chatId)
  const { index } = await createCatalogVault(database).knownChat(chatId)
  if (index === undefined) throw new Error('the chat has no index')
  await client.editDocument({
    ...{ chatId, messageId: index.messageId, fileName: 'index.zst.age', bytes: Buffer.from('theirs') },
    caption: writeIndexCaption({ catalog: { id: randomUUID(), generation: 1 }, edition: '1-00000000' }),
  })
}

describe('a chat that another catalog takes over while a pack is sent', () => {
  it('gets no more from this one, which confirms nothing and touches nothing', async () => {
    const process = world.process()
    await process.store('data/a')
    const { pack, turn } = await process.make('data/b')
    await takeOver()
    const deleted = world.vault.emulator.inspect.calls('deleteMessage')
    const edited = world.vault.emulator.inspect.calls('editMessageMedia')
    await expect(process.sender.send(pack, turn, world)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(await world.object('data/b')).toBeUndefined()
    expect(await world.object('data/a')).toMatchObject({ state: 'live' })
    // The message was made before the look, and it stays: the chat is another's now.
    expect(world.packsInChat()).toHaveLength(2)
    expect(world.vault.emulator.inspect.calls('deleteMessage')).toBe(deleted)
    expect(world.vault.emulator.inspect.calls('editMessageMedia')).toBe(edited)
    expect(await openSends(world.database, {})).toHaveLength(1)
    await expect(process.sender.takeTurn(world)).rejects.toMatchObject({ code: 'CONFIGURATION' })
    expect(world.packsInChat()).toHaveLength(2)
  })
})

describe('a group that becomes a supergroup while a pack is sent', () => {
  it('gets the pack under its new id, once', async () => {
    const [bot] = world.vault.emulator.inspect.bots()
    if (bot === undefined) throw new Error('the vault has no bot')
    const group = world.vault.emulator.createChat({
      ...{ type: 'group', title: 'Vault', administrators: [{ bot }] },
    })
    const process = world.process({ chat: group.id })
    await process.store('data/a')
    const { pack, turn } = await process.make('data/b')
    const moved = await world.vault.emulator.asHuman.migrate(group.id)
    const sent = await process.sender.send(pack, turn, world)
    expect(sent.chatId).toBe(String(moved))
    expect(world.packsInChat(moved)).toHaveLength(1)
    expect(await packMessages(world.database, pack.packId)).toMatchObject([
      { chat_id: String(moved), state: 'sent', message_id: sent.messageId },
    ])
    expect(await world.object('data/b')).toMatchObject({ state: 'live' })
    await process.store('data/c')
    expect(await openSends(world.database, {})).toEqual([])
  })
})

describe('a bot that may not send any more', () => {
  it('leaves nothing of the pack, and sends again when it may', async () => {
    const process = world.process()
    const { pack, turn } = await process.make('data/a')
    const [bot] = world.vault.emulator.inspect.bots()
    if (bot === undefined) throw new Error('the vault has no bot')
    world.vault.emulator.asHuman.demote(world.vault.chatId, bot)
    await expect(process.sender.send(pack, turn, world)).rejects.toThrow()
    expect(await findPack(world.database, pack.packId)).toBeNull()
    expect(world.packsInChat()).toEqual([])
    await expect(process.sender.takeTurn(world)).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})
