import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { withoutToken } from '#bot-api/server-words.ts'
import { BackupService, createTelegramClient, type TelegramClient, TelegramError } from '#index.ts'
import { sharedSigningKey } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { type OddRequest, oddServer } from '#test/odd-server.ts'
import { BOT_ID, FORMS, formsIn, TOKEN } from '#test/token-forms.ts'

const DOCUMENT = { chatId: '-1', fileName: 'part.age', bytes: Buffer.from('x'), caption: 'x' }

const METHODS: ReadonlyArray<[name: string, call: (client: TelegramClient) => Promise<unknown>]> = [
  ['getMe', client => client.getMe()],
  ['getChat', client => client.getChat('-1')],
  ['getChatMember', client => client.getChatMember('-1', BOT_ID)],
  ['sendDocument', client => client.sendDocument(DOCUMENT)],
  ['deleteMessage', client => client.deleteMessage('-1', 5)],
  ['downloadFile', client => client.downloadFile('file', { maxBytes: 1000 })],
]

/** One that gives up soon; `isPatient`, only on a server that says no. */
function clientOf(apiRoot: string, { isPatient = false } = {}): TelegramClient {
  return createTelegramClient({
    token: TOKEN,
    apiRoot,
    policy: { maxTries: 2, transferTries: 2, retryPauseMs: 0, maxFloodWaitSeconds: 0 },
    ...(isPatient ? {} : { timeouts: { answerMs: 200, stallMs: 200 } }),
  })
}

/** A server that lets getFile name a path, and behaves as told otherwise. */
function withFilePath(
  path: string,
  behave: (request: OddRequest) => void,
): (request: OddRequest) => Promise<void> {
  return async request => {
    await request.readBody()
    if (/^POST \S*\/getFile /.test(request.head)) request.json(200, { ok: true, result: { file_path: path } })
    else behave(request)
  }
}

async function expectSilence(url: string, exceptions: readonly string[] = []): Promise<void> {
  for (const [name, call] of METHODS) {
    if (exceptions.includes(name)) continue
    const error = await failureOf(call(clientOf(url)))
    expect(error, name).toBeInstanceOf(TelegramError)
    expect({ name, forms: formsIn(error) }).toEqual({ name, forms: [] })
  }
}

describe('no error names the token', () => {
  const statuses = [200, 206, 301, 302, 307, 400, 401, 403, 404, 413, 418, 421, 429, 500, 502, 503]

  test.each(FORMS)('when the server repeats it %s in its words, with any status', async (_, form) => {
    for (const status of statuses) {
      const server = await oddServer(
        withFilePath('documents/file_1', ({ json }) =>
          json(status, {
            ok: false,
            error_code: status,
            description: `No such route: /bot${form}/method`,
            parameters: { retry_after: 99, note: form },
          }),
        ),
      )
      await expectSilence(server.url, status === 200 ? ['downloadFile'] : [])
    }
  })

  test.each(FORMS)('when a page, a header or a redirect repeats it %s', async (_, form) => {
    const headers = { Location: `http://127.0.0.1:1/bot${form}/x`, 'X-Echo': form, 'Retry-After': form }
    for (const status of statuses) {
      const page = `<html><a href="/bot${form}/x">${form}</a></html>`
      const server = await oddServer(
        withFilePath('documents/file_1', ({ answer }) => answer(status, page, headers)),
      )
      await expectSilence(server.url, status === 200 ? ['downloadFile'] : [])
    }
  })

  test.each([
    ['an empty answer', ''],
    ['JSON cut off in the token', `{"ok":true,"result":{"url":"${TOKEN.slice(0, 30)}`],
    ['a text', TOKEN],
    ['a list', JSON.stringify([TOKEN])],
    ['a result that is the token', JSON.stringify({ ok: true, result: TOKEN })],
    [
      'a result full of it',
      JSON.stringify({
        ok: true,
        result: { id: TOKEN, message_id: TOKEN, chat: TOKEN, status: 5, file_path: 7 },
      }),
    ],
    [
      'a message of another kind',
      JSON.stringify({ ok: true, result: { message_id: 5, chat: { id: 1 }, document: { file_id: TOKEN } } }),
    ],
  ])('when a 200 is %s', async (_, body) => {
    const server = await oddServer(async ({ answer, readBody }) => {
      await readBody()
      answer(200, body)
    })
    // A delete has no result to speak of, so any `ok:true` is one.
    await expectSilence(server.url, body.startsWith('{"ok":true,"result"') ? ['deleteMessage'] : [])
  })

  test.each<[string, (request: OddRequest) => void]>([
    ['resets', ({ socket }) => socket.resetAndDestroy()],
    ['closes', ({ socket }) => socket.end()],
    ['stalls', () => {}],
    ['speaks nonsense', ({ socket }) => socket.end(`${TOKEN}\r\n`)],
    [
      'cuts its answer off',
      ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\nX: ${TOKEN}\r\nContent-Length: 99\r\n\r\n${TOKEN}`),
    ],
    ['answers too much', ({ answer }) => answer(200, TOKEN.repeat(100_000))],
  ])('when the server %s', async (_, behave) => {
    const server = await oddServer(withFilePath('documents/file_1', behave))
    await expectSilence(server.url)
  })

  test('when the server cannot be reached', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    await expectSilence(`http://127.0.0.1:${port}`)
    await expectSilence('http://no-such-host.invalid')
    await expectSilence(`https://127.0.0.1:${port}`)
  })

  test.each([
    ['holds it', `documents/${TOKEN}/file_1`],
    ['holds it on the disk', `/var/lib/${TOKEN}/documents/file_1`],
    ['is a folder on the disk', '/'],
    ['leads elsewhere', `../bot${TOKEN}/getMe`],
    ['is no text', `documents/${TOKEN}\ud800`],
    ['has a zero in it', `/tmp/${TOKEN}\u0000`],
    ['is a URL', `https://127.0.0.1:1/${TOKEN}`],
  ])('when a file’s path %s', async (_, path) => {
    const server = await oddServer(
      withFilePath(path, ({ json, head }) => json(404, { ok: false, error_code: 404, description: head })),
    )
    const error = await failureOf(clientOf(server.url).downloadFile('file', { maxBytes: 1000 }))
    expect(error).toBeInstanceOf(TelegramError)
    expect(formsIn(error)).toEqual([])
  })

  test('when the token or the API root has a wrong shape', () => {
    const spoilt = [`${TOKEN} `, `bot${TOKEN}`, `${TOKEN}/x`, `${TOKEN}\n`, TOKEN.replace(':', '')]
    const attempts = [
      ...spoilt.map(token => () => createTelegramClient({ token })),
      ...[
        `ftp://host/${TOKEN}`,
        `http://[${TOKEN}`,
        TOKEN,
        `http://host?${TOKEN}`,
        `http://host#${TOKEN}`,
      ].map(apiRoot => () => createTelegramClient({ token: TOKEN, apiRoot })),
    ]
    for (const attempt of attempts) {
      let error: unknown
      try {
        attempt()
      } catch (caught) {
        error = caught
      }
      expect(error).toMatchObject({ code: 'CONFIGURATION' })
      expect(formsIn(error)).toEqual([])
    }
  })
})

describe('a failed send', () => {
  test('names the token neither in its result nor to the listener of its progress', async () => {
    for (const [, form] of FORMS) {
      const server = await oddServer(async ({ head, readBody, json }) => {
        await readBody()
        if (head.includes('/getMe')) return json(200, { ok: true, result: { id: 5, username: 'a_bot' } })
        if (head.includes('/getChatMember')) return json(200, { ok: true, result: { status: 'creator' } })
        if (head.includes('/getChat')) return json(200, { ok: true, result: { id: -1, type: 'channel' } })
        json(400, { ok: false, description: `Bad Request: ${form}` })
      })
      const service = new BackupService({
        telegramClient: clientOf(server.url, { isPatient: true }),
        defaultChatId: '-1',
        encryption: 'off',
        signingKey: await sharedSigningKey(),
      })
      const told: unknown[] = []
      const result = await service.sendBackup({
        projectId: 'shop',
        type: 'logs',
        file: Buffer.from('x'),
        onProgress: progress => told.push(progress),
      })
      expect(result).toMatchObject({ success: false, cause: { code: 'REFUSED' } })
      expect(formsIn(result)).toEqual([])
      expect(formsIn(told)).toEqual([])
    }
  })

  test('and the client itself shows no token', () => {
    expect(formsIn(clientOf('http://127.0.0.1:1'))).toEqual([])
  })
})

describe('the server’s words', () => {
  test('are shown with the token replaced, on one line and not too long', () => {
    expect(withoutToken(`no ${TOKEN}\nhere`, TOKEN)).toBe('no <token> here')
    expect(withoutToken('Bad Request: chat not found', TOKEN)).toBe('Bad Request: chat not found')
    expect(withoutToken('x'.repeat(1000), TOKEN)).toHaveLength(300)
  })

  test('are left out where they repeat it in disguise, and that is said', () => {
    expect(withoutToken(`no ${TOKEN.toUpperCase()} here`, TOKEN)).toBe(
      'its answer repeats the bot token, and so is not shown',
    )
  })
})
