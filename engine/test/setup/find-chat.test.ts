import { createServer, type Server } from 'node:http'
import { createTelegramClient, type TelegramClient } from 'telegram-deployment-bot'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findChat } from '#setup/find-chat.ts'

/** What the server answers to getUpdates, one after the other; then nothing new. */
let updates: unknown[][]
let asked: { offset?: number }[]
let chats: Map<number, object>
let rights: object
let server: Server
let client: TelegramClient
let notes: string[]

const ALL = { can_post_messages: true, can_edit_messages: true, can_delete_messages: true }

beforeEach(async () => {
  updates = []
  asked = []
  notes = []
  chats = new Map()
  rights = ALL
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const given = JSON.parse(body || '{}') as { chat_id?: string; offset?: number }
    const method = request.url?.split('/').at(-1)
    const answers: Record<string, () => unknown> = {
      getMe: () => ({ id: 5, username: 'a_bot' }),
      getChat: () => chats.get(Number(given.chat_id)),
      getChatMember: () => ({ status: 'administrator', ...rights }),
      getUpdates: () => {
        asked.push(given)
        return updates.shift() ?? []
      },
    }
    response.end(JSON.stringify({ ok: true, result: answers[method ?? '']?.() }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  client = createTelegramClient({ token: `5:${'A'.repeat(35)}`, apiRoot: `http://127.0.0.1:${port}` })
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

function happens(id: number, event: string, chat: { id: number; type: string; [more: string]: unknown }) {
  chats.set(chat.id, chat)
  return { update_id: id, [event]: { message_id: 1, date: 1, chat } }
}

const channel = (id: number, more: object = {}) => ({ id, type: 'channel', title: `C${id}`, ...more })
const hooks = {
  signal: new AbortController().signal,
  note: (line: string) => void notes.push(line),
  onStage: () => {},
  onWait: () => {},
}
const find = () => findChat({ ask: undefined, hooks }, client, { pollSeconds: 1, secondChanceMs: 300 })

it.each(['channel_post', 'message', 'edited_channel_post', 'my_chat_member'])(
  'a chat is found by %s',
  async event => {
    updates = [[], [happens(7, event, channel(-1001))]]
    expect(await find()).toMatchObject({ chatId: '-1001' })
  },
)

it('what was seen in a useless chat is confirmed, so that the next request gets news', async () => {
  updates = [
    [happens(7, 'message', { id: 9, type: 'private', first_name: 'Ann' })],
    [happens(8, 'channel_post', channel(-1001))],
  ]
  expect(await find()).toMatchObject({ chatId: '-1001' })
  expect(asked.map(({ offset }) => offset)).toEqual([undefined, 8])
  expect(notes.join()).toContain('private chat')
})

it.each([
  ['public by its name', channel(-1001, { username: 'open' })],
  ['public by another of its names', channel(-1001, { active_usernames: ['open'] })],
])('a chat that is %s is refused: everyone could read it', async (_, chat) => {
  updates = [[happens(7, 'channel_post', chat)]]
  await expect(find()).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('t.me/open'),
  })
})

it('a script gets the reason when the only chat lacks a right', async () => {
  rights = { ...ALL, can_delete_messages: false }
  updates = [[happens(7, 'channel_post', channel(-1001))]]
  await expect(find()).rejects.toMatchObject({ message: expect.stringContaining('delete messages') })
})
