import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAnswer, readFileAnswer } from '#bot-api/api-answer.ts'
import { createTelegramClient, type TelegramError, TelegramError as TelegramErrorClass } from '#index.ts'
import { QUICK_POLICY } from '#test/emulated-chat.ts'
import { oddServer } from '#test/odd-server.ts'

const TOKEN = '7000000001:AAabcdefghijklmnopqrstuvwxyz012345'

function errorOf(read: () => unknown): TelegramError {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(TelegramErrorClass)
    return error as TelegramError
  }
  throw new Error('it was taken for a success')
}

function answered(status: number, json: unknown, headers: Record<string, string> = {}): TelegramError {
  const body = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
  return errorOf(() => readAnswer({ status, headers, body }, TOKEN))
}

describe('an answer', () => {
  test('of 200 and ok:true is the only success', () => {
    const body = Buffer.from('{"ok":true,"result":{"message_id":5}}')
    expect(readAnswer({ status: 200, headers: {}, body }, TOKEN)).toEqual({ message_id: 5 })
  })

  test.each<[string, number, unknown, string]>([
    ['a refusal', 400, { ok: false, error_code: 400, description: 'Bad Request: no' }, 'REFUSED'],
    ['a refusal in a 200', 200, { ok: false, error_code: 400, description: 'Bad Request: no' }, 'REFUSED'],
    ['a refusal without words', 400, '', 'REFUSED'],
    ['a proxy’s page', 413, '<html>413</html>', 'REFUSED'],
    ['a 5xx', 500, { ok: false, error_code: 500, description: 'Internal Server Error' }, 'ANSWER_LOST'],
    ['a 5xx inside a 200', 200, { ok: false, error_code: 502, description: 'Bad Gateway' }, 'ANSWER_LOST'],
    ['a proxy’s 502', 502, '<html>Bad Gateway</html>', 'ANSWER_LOST'],
    ['a 503 that names a wait', 503, { ok: false, description: 'retry after 3' }, 'ANSWER_LOST'],
    ['a 200 that is no JSON', 200, '<html>welcome</html>', 'ANSWER_LOST'],
    ['a 200 cut off', 200, '{"ok":true,"result":{', 'ANSWER_LOST'],
    ['a 200 without ok', 200, { result: {} }, 'ANSWER_LOST'],
    ['a 200 with ok in words', 200, { ok: 'true', result: {} }, 'ANSWER_LOST'],
    ['an array', 200, [true], 'ANSWER_LOST'],
    ['null', 200, 'null', 'ANSWER_LOST'],
    ['a 202', 202, '', 'ANSWER_LOST'],
    ['a 204', 204, '', 'ANSWER_LOST'],
    ['a yes in a 400', 400, { ok: true, result: {} }, 'ANSWER_LOST'],
    ['a redirect', 302, '', 'CONFIGURATION'],
    ['a redirect that says yes', 307, { ok: true, result: {} }, 'CONFIGURATION'],
    ['a wrong token', 401, { ok: false, error_code: 401, description: 'Unauthorized' }, 'CONFIGURATION'],
    ['a garbled token', 404, { ok: false, error_code: 404, description: 'Not Found' }, 'CONFIGURATION'],
    ['a filtered token', 421, { ok: false, description: 'Misdirected Request: unallowed' }, 'CONFIGURATION'],
    ['an unknown method', 404, { ok: false, description: 'Not Found: method not found' }, 'REFUSED'],
    ['a wrong chat', 400, { ok: false, description: 'Bad Request: chat not found' }, 'CONFIGURATION'],
    [
      'a lost group',
      400,
      { ok: false, description: 'Bad Request: group chat was upgraded to a supergroup chat' },
      'CONFIGURATION',
    ],
    [
      'a kick',
      403,
      { ok: false, description: 'Forbidden: bot was kicked from the channel chat' },
      'CONFIGURATION',
    ],
    [
      'a missing right',
      400,
      { ok: false, description: 'Bad Request: need administrator rights in the channel chat' },
      'CONFIGURATION',
    ],
  ])('that is %s says so', (_, status, json, code) => {
    expect(answered(status, json).code).toBe(code)
  })

  test('that is of a group which has become a supergroup names the new id, and each place where the old one may stand', () => {
    const description = 'Bad Request: group chat was upgraded to a supergroup chat'
    const { hint } = answered(400, { ok: false, description, parameters: { migrate_to_chat_id: -1001234 } })
    for (const words of ['-1001234', 'TELEGRAM_CHAT_ID', '--chat', 'source']) expect(hint).toContain(words)
  })

  test('of a refusal becomes an error with the server’s words and code, and with a hint if a person can fix it', () => {
    const error = answered(400, { ok: false, error_code: 400, description: 'Bad Request: chat not found' })
    expect(error).toMatchObject({ errorCode: 400, description: 'Bad Request: chat not found' })
    expect(error.hint).toContain('TELEGRAM_CHAT_ID')
    expect(answered(413, '').hint).toContain('TELEGRAM_PART_SIZE')
    expect(answered(302, '').hint).toContain('TELEGRAM_API_ROOT')
  })

  test('of any bytes is an error of ours or a success, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 599 }),
        fc.oneof(fc.uint8Array(), fc.json()),
        (status, bytes) => {
          const answer = { status, headers: {}, body: Buffer.from(bytes) }
          try {
            readAnswer(answer, TOKEN)
          } catch (error) {
            expect(error).toBeInstanceOf(TelegramErrorClass)
          }
        },
      ),
    )
  })
})

describe('the wait that a flood asks for', () => {
  const words = 'Too Many Requests: retry after 41'
  test.each<[string, number, unknown, Record<string, string>, number | undefined]>([
    [
      'stands in the parameters',
      429,
      { ok: false, description: words, parameters: { retry_after: 7 } },
      {},
      7,
    ],
    ['stands in the words of a 429', 429, { ok: false, description: words }, {}, 41],
    [
      'stands in the words of a 400',
      400,
      { ok: false, description: 'Bad Request: too Many Requests: retry after 15' },
      {},
      15,
    ],
    [
      'stands in a 400 in a 200',
      200,
      { ok: false, error_code: 400, description: 'too Many Requests: retry after 15' },
      {},
      15,
    ],
    ['stands in the header of a 429', 429, '<html></html>', { 'retry-after': '9' }, 9],
    ['is a second for a 429 without any', 429, '', {}, 1],
    [
      'is a second for a header that is a date',
      429,
      '',
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
      1,
    ],
    [
      'is none in a header of a 400',
      400,
      { ok: false, description: 'Bad Request: no' },
      { 'retry-after': '9' },
      undefined,
    ],
    [
      'is none where a number is missing',
      400,
      { ok: false, description: 'retry after a while' },
      {},
      undefined,
    ],
    ['is not believed when negative', 429, { ok: false, parameters: { retry_after: -5 } }, {}, 1],
  ])('%s', (_, status, json, headers, seconds) => {
    expect(answered(status, json, headers).retryAfterSeconds).toBe(seconds)
  })

  test('never comes with an answer that may have been carried out', () => {
    const error = answered(
      502,
      { ok: false, description: words, parameters: { retry_after: 7 } },
      { 'retry-after': '9' },
    )
    expect(error.code).toBe('ANSWER_LOST')
    expect(error.retryAfterSeconds).toBeUndefined()
  })
})

describe('the answer of a file’s link', () => {
  test.each<[number, string]>([
    [302, 'CONFIGURATION'],
    [401, 'ANSWER_LOST'],
    [404, 'ANSWER_LOST'],
    [429, 'REFUSED'],
    [206, 'ANSWER_LOST'],
    [502, 'ANSWER_LOST'],
  ])('with status %i is %s', (status, code) => {
    const error = errorOf(() => readFileAnswer({ status, headers: {}, body: Buffer.from('page') }, TOKEN))
    expect(error).toMatchObject({ code, errorCode: status })
  })

  test('with 429 asks for a wait', () => {
    const headers = { 'retry-after': '3' }
    const error = errorOf(() => readFileAnswer({ status: 429, headers, body: Buffer.from('') }, TOKEN))
    expect(error.retryAfterSeconds).toBe(3)
  })
})

describe('more than an answer of the Bot API may have is not read into memory as JSON:', () => {
  test('of a method', async () => {
    const levels = 500_000
    const server = await oddServer(async ({ readBody, answer }) => {
      await readBody()
      answer(200, `{"ok":true,"result":${'['.repeat(levels)}${']'.repeat(levels)}}`)
    })
    const client = createTelegramClient({ token: TOKEN, apiRoot: server.url, policy: QUICK_POLICY })
    await expect(client.getMe()).rejects.toMatchObject({
      code: 'UNPROVEN',
      message: expect.stringContaining('longer than it may be'),
    })
  })

  test('in the place of a file', () => {
    const words = (padding: number): string | undefined => {
      const body = Buffer.from(JSON.stringify({ description: 'Gone', padding: ' '.repeat(padding) }))
      return errorOf(() => readFileAnswer({ status: 404, headers: {}, body }, TOKEN)).description
    }
    expect(words(1000)).toBe('Gone')
    expect(words(600_000)).toBe('HTTP status 404')
  })
})
