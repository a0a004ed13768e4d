import { describe, expect, it } from 'vitest'
import { toArchiveError } from '#archive-error.ts'

function systemError(code: unknown): Error {
  return Object.assign(new Error(`${code}: failed, open '/home/someone/secret'`), { code })
}

describe('an error of the system', () => {
  it.each([
    ['ENOSPC', 'disk is full'],
    ['EDQUOT', 'quota'],
    ['EACCES', 'permission'],
    ['EROFS', 'read-only'],
    ['ENOENT', 'check the path'],
  ])('%s is named in the message, without its text, and gets a hint', (code, hint) => {
    expect(toArchiveError(systemError(code), 'SOURCE', 'It failed')).toMatchObject({
      code: 'SOURCE',
      message: `It failed (${code})`,
      hint: expect.stringContaining(hint),
    })
  })

  it('is named without a hint when there is nothing to advise', () => {
    const error = toArchiveError(systemError('ECONNRESET'), 'SOURCE', 'It failed')
    expect(error.message).toBe('It failed (ECONNRESET)')
    expect(error.hint).toBeUndefined()
  })
})

describe('any other error', () => {
  it.each([
    systemError('ERR_STREAM_DESTROYED'),
    systemError('token 12:ab'),
    systemError(7),
    new Error('x'),
    'EIO',
    null,
  ])('(%o) leaves the message as it is', cause => {
    const error = toArchiveError(cause, 'SOURCE', 'It failed')
    expect(error.message).toBe('It failed')
    expect(error.hint).toBeUndefined()
    expect(error.cause).toBe(cause)
  })
})
