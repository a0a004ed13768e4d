import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Command, type CommandEnd, MOST_OUTPUT, runCommand } from '#programs/command.ts'
import { whyNotRun } from '#programs/trusted-program.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'command-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function shell(script: string, more: Partial<Command> = {}): Promise<CommandEnd & { lines: string[] }> {
  const lines: string[] = []
  const end = await runCommand({
    program: '/bin/sh',
    args: ['-c', script, 'sh', 'first; $(id)', '--second'],
    environment: { PATH: '/usr/bin:/bin', ONLY: 'this' },
    limitMs: 20_000,
    signal: new AbortController().signal,
    onLine: line => lines.push(line),
    ...more,
  })
  return { ...end, lines }
}

/** A dead process that nobody has waited for yet is not alive. */
function isAlive(pid: string | undefined): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('a command', () => {
  it('gets its arguments as they are, this environment alone, the root folder, and no input', async () => {
    const { lines, ...end } = await shell('echo "$1|$2"; echo "$ONLY|$HOME|$PWD"; cat; echo last >&2; exit 3')
    expect(end).toEqual({ exitCode: 3, how: 'exit code 3', isOk: false })
    expect(lines.toSorted()).toEqual(['first; $(id)|--second', 'last', 'this||/'].toSorted())
  })

  it('that takes too long is ended with all its children, even if they ignore SIGTERM', async () => {
    const { how, isOk, lines } = await shell('trap "" TERM; sleep 60 & echo $!; wait; sleep 61', {
      limitMs: 300,
    })
    expect({ how, isOk }).toEqual({ how: 'not ended within 0.3 s', isOk: false })
    expect(isAlive(lines[0])).toBe(false)
  }, 15_000)

  it('leaves no child behind when it ends by itself', async () => {
    const { isOk, lines } = await shell('sleep 60 & echo $!')
    await sleep(50)
    expect([isOk, isAlive(lines[0])]).toEqual([true, false])
  })

  it('does not wait for a child that took a session of its own and keeps the output open', async () => {
    const since = performance.now()
    const { isOk } = await shell('setsid sleep 5 &')
    expect(isOk).toBe(true)
    expect(performance.now() - since).toBeLessThan(4_000)
  })

  it('is ended by the signal, and not begun after it', async () => {
    const stop = new AbortController()
    const running = shell('echo begun; sleep 60', { signal: stop.signal, onLine: () => stop.abort() })
    expect(await running).toMatchObject({ how: 'cancelled', isOk: false })
    expect(await shell('true', { signal: stop.signal })).toMatchObject({ how: 'not started: cancelled' })
  })

  it('may print what it likes: a bounded part is kept, as text', async () => {
    const { isOk, lines } = await shell("printf '\\377\\000x\\n'; yes 0123456789 | head -c 2000000; exit 0")
    expect(isOk).toBe(true)
    expect(lines[0]).toBe('\ufffd\0x')
    expect(lines.join('\n').length).toBeLessThan(MOST_OUTPUT + 100)
    expect(lines.at(-1)).toBe('(the rest of the output is dropped)')
  })

  it('that cannot be started says why', async () => {
    const end = await shell('', { program: '/no/such/program' })
    expect(end).toMatchObject({ exitCode: null, how: 'cannot be started (ENOENT)', isOk: false })
  })

  it('that somebody writes at this moment, or whose arguments are too long, says why as well', async () => {
    const program = join(folder, 'busy')
    await writeFile(program, '#!/bin/sh\n', { mode: 0o755 })
    const writer = await open(program, 'r+')
    expect(await shell('', { program })).toMatchObject({ how: 'cannot be started (ETXTBSY)', isOk: false })
    await writer.close()
    const args = new Array<string>(3000).fill('x'.repeat(4000))
    expect(await shell('', { args })).toMatchObject({ how: 'cannot be started (E2BIG)', isOk: false })
  })
})

describe('a program of the configuration', () => {
  const program = async (name: string, mode: number): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, '#!/bin/sh\n')
    await chmod(path, mode)
    return path
  }

  it('is run when only its owner or root can change it', async () => {
    const path = await program('good', 0o755)
    await symlink(path, join(folder, 'link'))
    expect(await whyNotRun(path)).toBeUndefined()
    expect(await whyNotRun(join(folder, 'link'))).toBeUndefined()
    expect(await whyNotRun('/bin/sh')).toBeUndefined()
  })

  it('is not run when others can write it or its folder, or when it is no program', async () => {
    expect(await whyNotRun(await program('all', 0o757))).toContain('can be written by other users')
    expect(await whyNotRun(await program('group', 0o775))).toContain('can be written by other users')
    expect(await whyNotRun(await program('plain', 0o644))).toContain('chmod +x')
    expect(await whyNotRun(folder)).toBe('it is not a file')
    expect(await whyNotRun(join(folder, 'none'))).toBe('it does not exist')
    const shared = await mkdtemp(join(folder, 'shared-'))
    await writeFile(join(shared, 'p'), '', { mode: 0o755 })
    await chmod(shared, 0o777)
    expect(await whyNotRun(join(shared, 'p'))).toContain('a folder that other users can write to')
  })
})
