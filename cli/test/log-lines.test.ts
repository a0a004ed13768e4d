import { createLogger } from '@telegram-backup/engine/logging.ts'
import { BackupError } from '@telegram-backup/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isForPeople, prettyLine } from '#commands/log-lines.ts'

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  let text = ''
  const stream = { write: (line: string) => (text += line) }
  write(createLogger({ level: 'debug', stream, layout: prettyLine }))
  return text
}

describe('the log for people', () => {
  it('has time, level, text and facts in one line, and what an error says below', () => {
    const error = new BackupError('No room', { code: 'DISK_FULL', hint: 'Make some.' })
    const text = logged(log =>
      log.warn({ job_id: '3f0c2c1e-6f0a-4a57-9d5b-2f6f0f3f7c11', source: 'the shop', error }, 'a job failed'),
    )
    const [first, ...rest] = text.split('\n')
    expect(first).toMatch(/^\d\d:\d\d:\d\d WARN {2}a job failed {2}job_id=3f0c2c1e {2}source="the shop"$/)
    expect(rest).toEqual(['         No room (DISK_FULL)', '         hint: Make some.', ''])
  })

  it('hides secrets as the other log does', () => {
    const token = '123456789:AAfake_token-of_thirty-five_letters'
    const text = logged(log =>
      log.info({ url: `https://api/bot${token}/getMe`, password: 'pw' }, `for ${token}`),
    )
    expect(text).not.toContain('AAfake')
    expect(text).toContain('password=[hidden]')
  })

  it('lets no text of others begin a line, or change the terminal', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 30 })
    fc.assert(
      fc.property(hostile, hostile, hostile, (message, name, value) => {
        const text = logged(log => log.info({ [`x${name}`]: value }, message))
        expect(text.indexOf('\n')).toBe(text.length - 1)
        expect(text).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u)
      }),
    )
  })

  it('is chosen on a terminal, unless another is asked for', () => {
    const [terminal, pipe] = [{ isTTY: true }, {}]
    expect(isForPeople('auto', terminal)).toBe(true)
    expect(isForPeople('auto', pipe)).toBe(false)
    expect(isForPeople('json', terminal)).toBe(false)
    expect(isForPeople('pretty', pipe)).toBe(true)
    expect(() => isForPeople('xml', pipe)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})
