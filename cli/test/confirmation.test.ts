import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { confirm } from '#commands/confirmation.ts'
import { Output } from '#commands/output.ts'

/** A person at a terminal, who types this when asked. */
async function asked(typed: string): Promise<{ error: unknown; signals: string[] }> {
  const signals: string[] = []
  const stopped = new AbortController()
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const stderr = Object.assign(new PassThrough(), { isTTY: true })
  stderr.on('data', (text: Buffer) => {
    if (text.includes('[y/N]')) stdin.write(typed)
  })
  const kill = (_pid: number, name: string): void => {
    signals.push(name)
    stopped.abort()
  }
  const context = {
    host: { stdin, stderr, kill, pid: 1 },
    output: new Output({ json: false, stdout: stderr, stderr }),
    signal: stopped.signal,
  } as unknown as Parameters<typeof confirm>[0]
  const error = await confirm(context, { isAgreed: false }).catch((reason: unknown) => reason)
  return { error, signals }
}

it.each(['y\r', 'YES\r'])('%j agrees', async typed => {
  expect(await asked(typed)).toEqual({ error: undefined, signals: [] })
})

it.each(['\r', 'n\r', 'yesterday\r', '\u0004'])('%j cancels', async typed => {
  expect(await asked(typed)).toMatchObject({ error: { code: 'CANCELLED' }, signals: [] })
})

it('Ctrl-C cancels, and counts as the signal that it is elsewhere', async () => {
  expect(await asked('\u0003')).toMatchObject({ error: { code: 'CANCELLED' }, signals: ['SIGINT'] })
})
