import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LAUNCHER } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type InitWorld, openInitWorld } from '#test/init/init-world.ts'

// Of util-linux: it gives a program a terminal.
const TERMINAL = 'script'

let world: InitWorld

beforeAll(async () => {
  world = await openInitWorld()
})

afterAll(async () => {
  await world?.close()
})

/** The set-up on a terminal, and what stands on it. */
class Terminal {
  readonly #child: ChildProcessWithoutNullStreams
  text = ''
  #read = 0

  constructor() {
    const env = {
      ...{ PATH: process.env['PATH'] ?? '', TERM: 'xterm', NODE: process.execPath, LAUNCHER },
      ...{ TELEGRAM_BACKUP_ENV_FILE: 'off', ...world.env },
    }
    const command = 'stty columns 200; exec "$NODE" -- "$LAUNCHER" init --no-service'
    this.#child = spawn(TERMINAL, ['-qefc', command, '/dev/null'], { env })
    this.#child.stdout.setEncoding('utf8').on('data', text => {
      this.text += text
    })
  }

  /** Waits until that is asked, after the last question. */
  async asked(question: RegExp): Promise<void> {
    for (;;) {
      const found = question.exec(this.text.slice(this.#read))
      if (found) {
        this.#read += found.index + found[0].length
        return
      }
      if (this.#child.exitCode !== null) throw new Error(`It ended before ${question}: ${this.text}`)
      await sleep(50)
    }
  }

  async answer(question: RegExp, words: string): Promise<void> {
    await this.asked(question)
    this.#child.stdin.write(words)
  }

  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    return this.#child.exitCode
  }
}

const secret = async (): Promise<string> => {
  const text = await readFile(join(world.home, 'backup-key.txt'), 'utf8')
  return text.split('\n').find(line => line.startsWith('AGE-')) ?? ''
}

it('a person is asked, may break off, and is asked only for what is missing', async () => {
  const first = new Terminal()
  await first.answer(/Bot token[^:]*: /, '123:no\r')
  await first.answer(/not accept[\s\S]*Bot token[^:]*: /, `${world.token}\r`)
  await first.asked(/Post any message in the channel/)
  const bot = { id: world.botId }
  const own = world.emulator.createChat({ type: 'private', members: [bot] })
  await world.emulator.asHuman.post(own.id, { text: 'hello?' })
  await first.asked(/private chat with the bot/)
  await world.emulator.asHuman.post(world.chatId, { text: 'here' })
  await first.answer(/Enter: those with \*\): /, '\u0003')
  expect(await first.ended()).toBe(130)
  expect(first.text).not.toContain(world.token)
  const left = await readdir(world.home)
  expect(left).toContain('backup-key.txt')
  expect(left).not.toContain('telegram-backup.yaml')

  const second = new Terminal()
  await second.answer(/Enter: those with \*\): /, '999\r')
  await second.answer(/no such number[\s\S]*Enter: those with \*\): /, `${world.folder}/nothing\r`)
  await second.answer(/does not exist[\s\S]*Enter: those with \*\): /, `${world.site}\r`)
  const key = await secret()
  await second.answer(/Enter: later\): /, 'ABCDEF\r')
  await second.answer(/Enter: later\): /, `${key.slice(-6).toLowerCase()}\r`)
  expect(await second.ended()).toBe(0)
  expect(second.text).not.toMatch(/Bot token \(/)
  expect(second.text).not.toContain(key)
  expect(await readdir(world.home)).not.toContain('backup-key.txt')
  expect((await world.call('doctor', '--fast')).stdout).toMatch(/recovery key +confirmed on/)
})
