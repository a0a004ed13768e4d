import { describe, expect, test } from 'vitest'
import { type CallKind, type CallWait, callWithPolicy } from '#bot-api/call-policy.ts'
import { TelegramError, type TelegramErrorCode, type TelegramErrorDetails } from '#index.ts'
import { failureOf } from '#test/odd-exchange.ts'

const POLICY = { maxTries: 4, transferTries: 4, retryPauseMs: 1, maxFloodWaitSeconds: 3600 }
const UNAVAILABLE = 'Bad Request: wrong file_id or the file is temporarily unavailable'

/** How often a call is tried that always fails so. */
async function triesOf(kind: CallKind, error: unknown): Promise<number> {
  let tries = 0
  const attempt = async (): Promise<never> => {
    tries++
    throw error
  }
  const thrown = await failureOf(callWithPolicy(attempt, { kind, policy: POLICY }))
  expect(thrown).toBe(error)
  return tries
}

function failure(code: TelegramErrorCode, details: Omit<TelegramErrorDetails, 'code'> = {}): TelegramError {
  return new TelegramError('it failed', { code, ...details })
}

describe('a call that fails', () => {
  const never = { send: 1, repeatable: 1 }
  test.each<[string, unknown, { send: number; repeatable: number }]>([
    ['before it left whole', failure('UNREACHABLE'), { send: 4, repeatable: 4 }],
    ['with its answer lost', failure('ANSWER_LOST'), { send: 1, repeatable: 4 }],
    ['with a 5xx', failure('ANSWER_LOST', { errorCode: 502 }), { send: 1, repeatable: 4 }],
    ['with a refusal', failure('REFUSED', { errorCode: 400, description: 'Bad Request: no' }), never],
    [
      'with a temporary refusal',
      failure('REFUSED', { description: UNAVAILABLE }),
      { send: 1, repeatable: 4 },
    ],
    ['with a wrong answer', failure('UNPROVEN'), never],
    ['by configuration', failure('CONFIGURATION', { errorCode: 401 }), never],
    ['by a cancel', failure('CANCELLED'), never],
    ['with an error of another kind', new Error('a bug'), never],
  ])('%s is repeated as often as its kind allows', async (_, error, tries) => {
    expect(await triesOf('send', error)).toBe(tries.send)
    expect(await triesOf('repeatable', error)).toBe(tries.repeatable)
  })

  test('and then succeeds gives the result', async () => {
    let tries = 0
    const waits: CallWait[] = []
    const attempt = async (): Promise<string> => {
      if (++tries < 3) throw failure('UNREACHABLE')
      return 'there'
    }
    await expect(
      callWithPolicy(attempt, { kind: 'send', policy: POLICY, onWait: wait => waits.push(wait) }),
    ).resolves.toBe('there')
    expect(waits.map(wait => wait.reason)).toEqual(['retry', 'retry'])
  })

  test('is tried again after pauses that double up to sixteenfold, each off by a quarter at most', async () => {
    const waits: CallWait[] = []
    const policy = { ...POLICY, maxTries: 9 }
    const attempt = (): Promise<never> => Promise.reject(failure('UNREACHABLE'))
    await failureOf(callWithPolicy(attempt, { kind: 'send', policy, onWait: wait => waits.push(wait) }))
    const expected = [1, 2, 4, 8, 16, 16, 16, 16]
    expect(waits).toHaveLength(expected.length)
    for (const [index, { seconds }] of waits.entries()) {
      expect(seconds * 1000).toBeGreaterThanOrEqual((expected[index] ?? 0) * 0.75)
      expect(seconds * 1000).toBeLessThanOrEqual((expected[index] ?? 0) * 1.25)
    }
  })
})

describe('a flood wait', () => {
  test.each<CallKind>(['send', 'repeatable'])('of a %s is obeyed, one second at least', async kind => {
    let tries = 0
    const waits: CallWait[] = []
    const attempt = async (): Promise<string> => {
      if (++tries === 1) throw failure('REFUSED', { errorCode: 429, retryAfterSeconds: 0 })
      return 'done'
    }
    const started = performance.now()
    await callWithPolicy(attempt, { kind, policy: POLICY, onWait: wait => waits.push(wait) })
    // A timer may be a millisecond early.
    expect(performance.now() - started).toBeGreaterThanOrEqual(998)
    expect(waits).toEqual([{ reason: 'flood', seconds: 1 }])
  })

  test('does not count as a try', async () => {
    let tries = 0
    const attempt = async (): Promise<never> => {
      tries++
      throw tries === 1 ? failure('REFUSED', { retryAfterSeconds: 1 }) : failure('UNREACHABLE')
    }
    await failureOf(callWithPolicy(attempt, { kind: 'send', policy: POLICY }))
    expect(tries).toBe(1 + POLICY.maxTries)
  })

  test('that would last too long, alone or added up, is an error at once', async () => {
    const waits: CallWait[] = []
    const options = (maxFloodWaitSeconds: number) => ({
      kind: 'send' as const,
      policy: { ...POLICY, maxFloodWaitSeconds },
      onWait: (wait: CallWait) => waits.push(wait),
    })
    const flood = failure('REFUSED', { retryAfterSeconds: 3601 })
    await expect(callWithPolicy(() => Promise.reject(flood), options(3600))).rejects.toBe(flood)
    expect(waits).toEqual([])
    const short = failure('REFUSED', { retryAfterSeconds: 1 })
    await expect(callWithPolicy(() => Promise.reject(short), options(1))).rejects.toBe(short)
    expect(waits).toEqual([{ reason: 'flood', seconds: 1 }])
  })
})

describe('a cancel', () => {
  test.each([
    ['a flood wait', failure('REFUSED', { retryAfterSeconds: 3000 })],
    ['a pause between tries', failure('UNREACHABLE')],
  ])('ends %s at once', async (_, error) => {
    const cancel = new AbortController()
    const policy = { ...POLICY, retryPauseMs: 1_000_000 }
    const call = callWithPolicy(() => Promise.reject(error), {
      kind: 'send',
      policy,
      signal: cancel.signal,
      onWait: () => setImmediate(() => cancel.abort()),
    })
    await expect(failureOf(call)).resolves.toMatchObject({ code: 'CANCELLED' })
  })

  test('that fired before a wait lets nothing be waited for', async () => {
    const call = callWithPolicy(() => Promise.reject(failure('REFUSED', { retryAfterSeconds: 3000 })), {
      kind: 'send',
      policy: POLICY,
      signal: AbortSignal.abort(),
    })
    await expect(failureOf(call)).resolves.toMatchObject({ code: 'CANCELLED' })
  })
})
