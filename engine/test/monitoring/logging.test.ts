import { CatalogError } from '@telegram-backup/database'
import { BackupError, hideSecrets } from '@telegram-backup/errors'
import fc from 'fast-check'
import { TelegramError } from 'telegram-deployment-bot'
import { describe, expect, test } from 'vitest'
import { createLogger, type LogLevel, readLogLevel } from '#logging.ts'

function recordingLogger(level?: LogLevel) {
  const lines: string[] = []
  return { lines, log: createLogger({ level, stream: { write: line => lines.push(line) } }) }
}

const TOKEN = '123456789:AAfake_token-of_thirty-five_letters'

describe('the log', () => {
  test('is a line of JSON for each event, with the ids of the request and the job it belongs to', () => {
    const { lines, log } = recordingLogger()
    log.child({ request_id: 'r-1' }).child({ job_id: 'j-1' }).info({ bytes: 5 }, 'sent')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: 'info',
      msg: 'sent',
      request_id: 'r-1',
      job_id: 'j-1',
      bytes: 5,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
  })

  test('says of an error its code, message and hint, and nothing of the words of what caused it', () => {
    const { lines, log } = recordingLogger()
    const cause = Object.assign(new Error('password authentication failed for user "clerk"'), {
      code: '28P01',
    })
    const errors = [
      new BackupError('No room', { code: 'SOURCE', hint: 'Make some.', cause }),
      new CatalogError('No room', { code: 'CATALOG', hint: 'Make some.', cause }),
      new TelegramError('No room', { code: 'REFUSED', hint: 'Make some.', cause }),
    ]
    for (const error of errors) log.error({ error }, 'failed')
    expect(lines.map(line => JSON.parse(line).error)).toEqual(
      ['SOURCE', 'CATALOG', 'REFUSED'].map(code => ({
        code,
        message: 'No room',
        hint: 'Make some.',
        cause: { name: 'Error', code: '28P01' },
      })),
    )
    expect(lines.join('')).not.toContain('clerk')
  })

  test('keeps the stack of an error that nobody expected, and copes with what is no error', () => {
    const { lines, log } = recordingLogger()
    log.error({ error: new TypeError('x is not a function') }, 'failed')
    log.error({ error: 'just text' }, 'failed')
    log.error({ error: { code: 'SOURCE', message: 'described already' } }, 'failed')
    expect(JSON.parse(lines[0] as string).error).toMatchObject({ name: 'TypeError', code: 'UNEXPECTED' })
    expect(JSON.parse(lines[0] as string).error.stack).toContain('logging.test.ts')
    expect(JSON.parse(lines[1] as string).error).toEqual({ code: 'UNEXPECTED', message: 'just text' })
    expect(JSON.parse(lines[2] as string).error).toEqual({ code: 'SOURCE', message: 'described already' })
  })

  test.each([
    ['a bot token in the address of a call', `https://api.telegram.org/bot${TOKEN}/sendMessage`, TOKEN],
    ['a bot token by itself', TOKEN, TOKEN],
    ['the password of a URL', 'postgresql://shop:s3cret-pw@db:5432/shop', 's3cret-pw'],
    ['a password behind what a hint would say', 'postgresql://USER@HOST:s3cret-pw@db/shop', 's3cret-pw'],
    ['a password with an @ and a quotation mark', 'postgresql://shop:s3@"cret-pw@db/shop', 'cret-pw'],
    ['a password among the parameters', 'postgresql://db/shop?user=a&password=s3cret-pw&x=1', 's3cret-pw'],
    ['a bearer key', 'authorization: Bearer tbk_abcdefghijklmnop', 'abcdefghijklmnop'],
    ['a bearer key of another make', 'authorization: Bearer abc.def-ghi/jkl=mno', 'abc.def'],
    ['a private age key', 'AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQ', '1QQQQQ'],
    ['a PEM key', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ\n-----END PRIVATE KEY-----\n', 'MC4CAQAwBQ'],
    ['JSON in a text', JSON.stringify({ token: 'very-s3cret-"word', next: 1 }), 's3cret'],
  ])('never holds %s, wherever it stands', (_, text, secret) => {
    const { lines, log } = recordingLogger()
    log.info({ field: text, deep: { list: [text] } }, text)
    log.child({ request_id: text }).error({ error: new Error(text) }, 'failed')
    for (const line of lines) {
      expect(() => JSON.parse(line)).not.toThrow()
      expect(line).not.toContain(secret)
    }
    expect(lines).toHaveLength(2)
  })

  test('is not broken by any text: one event is one line of valid JSON', () => {
    const nasty = fc
      .array(
        fc.constantFrom(
          '\n',
          '\r',
          '\u2028',
          '\u0085',
          '\u202e',
          '"',
          '\\',
          '://',
          '@',
          'password=',
          '"token":"',
          '-----BEGIN PRIVATE KEY-----',
          'a',
          ' ',
          TOKEN,
        ),
        { maxLength: 12 },
      )
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string({ unit: 'binary' })), text => {
        const { lines, log } = recordingLogger()
        log.info({ text, [text]: text }, text)
        expect(lines).toHaveLength(1)
        const [line = ''] = lines
        expect(JSON.parse(line)).toMatchObject({ level: 'info' })
        expect(line.slice(0, -1)).not.toMatch(/[\n\r\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]/)
        expect(line).not.toContain(TOKEN)
      }),
    )
  })

  test('leaves a text alone that holds no secret', () => {
    for (const text of [
      'sent 3 parts of shop_database_20261124T053300Z to https://example.org/a?b=c at 12:30:11',
      'Send a key as a Bearer token; telegram-backup apikey create makes one.',
      'Write postgresql://USER@HOST:PORT/DATABASE, with %40 for an @, or "postgresql://USER:PASSWORD@HOST/DATABASE" }',
    ]) {
      expect(hideSecrets(text)).toBe(text)
    }
  })

  test('is quick also with a text that was made to be slow', () => {
    // Half a second; a busy machine needs many times as long.
    const startedAt = performance.now()
    hideSecrets('://'.repeat(30_000))
    hideSecrets('-----BEGIN PRIVATE KEY-----'.repeat(3_000))
    hideSecrets('1'.repeat(100_000))
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  test('says as much as LOG_LEVEL wants, and refuses what is no level', () => {
    const { lines, log } = recordingLogger('warn')
    log.info('quiet')
    log.warn('loud')
    expect(lines).toHaveLength(1)
    expect(readLogLevel({})).toBe('info')
    expect(readLogLevel({ LOG_LEVEL: 'DEBUG' })).toBe('debug')
    expect(() => readLogLevel({ LOG_LEVEL: 'loud' })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION' }),
    )
  })
})
