import { readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ChildOutput, startChild } from '#programs/child-output.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  expect(openFifos(), 'no end of a FIFO is left open').toEqual([])
})

function openFifos(): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.includes('telegram-backup-') ? [target] : []
    } catch {
      // That of the listing itself.
      return []
    }
  })
}

function shell(script: string, more: Partial<Parameters<typeof startChild>[0]> = {}): Promise<ChildOutput> {
  return startChild({
    program: '/bin/sh',
    args: ['-c', script],
    env: { PATH: process.env['PATH'] ?? '' },
    encoding: 'utf8',
    onErrorLine: () => {},
    ...more,
  })
}

/** One that is dead, but that nobody has waited for yet, is not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

it('gives the output by a descriptor, and the lines of stderr and of descriptor 3 one by one', async () => {
  const errors: string[] = []
  const sides: string[] = []
  const child = await shell('cat; echo wörds >&2; echo one > /dev/fd/3; printf two >&3; exit 4', {
    input: Buffer.from('what it read'),
    onErrorLine: line => errors.push(line),
    onSideLine: line => sides.push(line),
  })
  expect(await child.ended).toEqual({ code: 4, signal: null })
  const buffer = Buffer.alloc(100)
  expect(buffer.toString('utf8', 0, readSync(child.fd, buffer))).toBe('what it read')
  expect([errors, sides]).toEqual([['wörds'], ['one', 'two']])
  await child.close()
})

it('a program that is not there is an error, and leaves nothing', async () => {
  await expect(shell('', { program: '/no/such/program', onSideLine: () => {} })).rejects.toMatchObject({
    code: 'SOURCE',
    message: expect.stringContaining('ENOENT'),
  })
})

it('one that the system refuses at once is an error, and leaves nothing', async () => {
  const more = { args: ['x'.repeat(4_000_000)], onSideLine: () => {} }
  await expect(shell('', more)).rejects.toMatchObject({
    code: 'SOURCE',
    message: expect.stringContaining('E2BIG'),
  })
})

describe('a program that failed is run once more', () => {
  const again = (script: string) => async () => ['-c', script]

  it('with other arguments, into the same output', async () => {
    const child = await shell('exit 3', { again: again('echo second') })
    expect(await child.ended).toEqual({ code: 0, signal: null })
    const buffer = Buffer.alloc(100)
    expect(buffer.toString('utf8', 0, readSync(child.fd, buffer))).toBe('second\n')
    expect(readSync(child.fd, buffer), 'its output has an end').toBe(0)
    await child.close()
  })

  it('but not once it has written anything, even if that was read already', async () => {
    // An overlay keeps no time of a FIFO.
    vi.stubEnv('TMPDIR', '/dev/shm')
    let told: () => void = () => {}
    const hasWritten = new Promise<void>(resolve => {
      told = resolve
    })
    // Times of files may be a hundredth of a second apart: what was made and written to in the same one looks
    // untouched.
    const child = await shell('sleep 0.1; echo first; echo >&2; read line; exit 3', {
      again: again('echo second'),
      onErrorLine: () => told(),
    })
    await hasWritten
    const buffer = Buffer.alloc(100)
    expect(buffer.toString('utf8', 0, readSync(child.fd, buffer))).toBe('first\n')
    expect(await child.ended).toEqual({ code: 3, signal: null })
    expect(readSync(child.fd, buffer), 'nothing follows').toBe(0)
    await child.close()
  })

  it.each([
    ['the system refuses that', again('x'.repeat(4_000_000)), /E2BIG/],
    ['what it waits for fails', () => Promise.reject(new Error('no')), /once more/],
  ])('and its end stands where %s', async (_, fails, words) => {
    const errors: string[] = []
    const child = await shell('exit 3', { again: fails, onErrorLine: line => errors.push(line) })
    expect(await child.ended).toEqual({ code: 3, signal: null })
    expect(errors).toEqual([expect.stringMatching(words)])
    expect(readSync(child.fd, Buffer.alloc(1)), 'its output has an end').toBe(0)
    await child.close()
  })
})

it('closing kills a program that does not listen, and all that it started', async () => {
  const pids: number[] = []
  let told: () => void = () => {}
  const bothTold = new Promise<void>(resolve => {
    told = resolve
  })
  const child = await shell(
    `trap '' TERM; sh -c "trap '' TERM; echo \\$\\$ >&2; sleep 600" & echo $$ >&2; wait`,
    {
      onErrorLine: line => {
        if (pids.push(Number(line)) === 2) told()
      },
    },
  )
  await bothTold
  await child.close()
  await child.close()
  expect((await child.ended).signal).toBe('SIGKILL')
  expect(pids.filter(isAlive)).toEqual([])
})
