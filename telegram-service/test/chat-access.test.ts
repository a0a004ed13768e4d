import type { AdministratorRights, ChatType } from '@telegram-backup/bot-api-emulator'
import { describe, expect, test } from 'vitest'
import { checkChatAccess } from '#index.ts'
import { emulatedChat } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'

describe('the access to a chat', () => {
  test.each<[ChatType, Partial<AdministratorRights>, string[]]>([
    ['channel', {}, []],
    ['channel', { can_delete_messages: false }, ['delete messages']],
    ['channel', { can_edit_messages: false }, ['edit messages of others (it includes pinning)']],
    ['supergroup', {}, []],
    ['supergroup', { can_pin_messages: false }, ['pin messages']],
    ['group', { can_delete_messages: false, can_pin_messages: false }, ['pin messages', 'delete messages']],
  ])(
    'of an administrator of a %s without %j tells what later work will miss',
    async (type, rights, missing) => {
      const { emulator, botId, client } = await emulatedChat()
      const chat = emulator.createChat({
        type,
        title: 'Vault',
        administrators: [{ bot: { id: botId }, rights }],
      })
      await expect(checkChatAccess(client, String(chat.id))).resolves.toEqual({
        chatId: String(chat.id),
        chatType: type,
        chatTitle: 'Vault',
        botUsername: 'telegram_backup_bot',
        missingRights: missing,
      })
    },
  )

  test('has a title that neither adds a line to a recovery card nor changes a terminal', async () => {
    const { emulator, botId, client } = await emulatedChat()
    const title = 'Tresor 🗄️\nsigned by    SHA256:mine\u2028\r\u001b[31m\u202e'
    const chat = emulator.createChat({ type: 'channel', title, administrators: [{ bot: { id: botId } }] })
    const { chatTitle } = await checkChatAccess(client, String(chat.id))
    expect(chatTitle).toBe('Tresor 🗄️\ufffdsigned by    SHA256:mine\ufffd\ufffd\ufffd[31m\ufffd')
  })

  test('of a private chat has all there is', async () => {
    const { emulator, botId, client } = await emulatedChat()
    const chat = emulator.createChat({ type: 'private', members: [{ id: botId }] })
    await expect(checkChatAccess(client, String(chat.id))).resolves.toMatchObject({ missingRights: [] })
  })

  test('of a plain member of a supergroup lets it send, and tells what it will miss', async () => {
    const { emulator, botId, client } = await emulatedChat()
    const chat = emulator.createChat({ type: 'supergroup', members: [{ id: botId }] })
    await expect(checkChatAccess(client, String(chat.id))).resolves.toMatchObject({
      missingRights: ['pin messages', 'delete messages'],
    })
  })

  test.each<[string, unknown]>([
    ['an administrator of a channel who may not post', { status: 'administrator', can_edit_messages: true }],
    ['a plain member of a channel', { status: 'member' }],
    ['one who left', { status: 'left' }],
    ['one who was thrown out', { status: 'kicked' }],
    ['one of a kind that is unknown', {}],
  ])('is refused to %s', async (_, member) => {
    const server = await oddServer(async ({ head, readBody, json }) => {
      await readBody()
      if (head.includes('/getMe')) return json(200, { ok: true, result: { id: 5, username: 'a_bot' } })
      if (head.includes('/getChatMember')) return json(200, { ok: true, result: member })
      json(200, { ok: true, result: { id: -1001, type: 'channel', title: 'Vault' } })
    })
    const { createClient } = await emulatedChat()
    const error = await failureOf(checkChatAccess(createClient({ apiRoot: server.url }), '-1001'))
    expect(['CONFIGURATION', 'UNPROVEN']).toContain(error.code)
  })

  test('names the token first when that is wrong, since no chat can be seen with it', async () => {
    const { chatId, client, emulator } = await emulatedChat()
    const refuse = (errorCode: number, description: string) =>
      ({ kind: 'error', errorCode, description }) as const
    emulator.faults.on('getMe', {}, refuse(401, 'Unauthorized'))
    emulator.faults.on('getChat', {}, refuse(400, 'Bad Request: chat not found'))
    emulator.faults.on('getChatMember', {}, refuse(400, 'Bad Request: no'))
    const error = await failureOf(checkChatAccess(client, String(chatId)))
    expect(error.hint).toContain('TELEGRAM_BOT_TOKEN')
  })
})
