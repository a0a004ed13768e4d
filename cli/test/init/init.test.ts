import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type InitWorld, openInitWorld } from '#test/init/init-world.ts'

let world: InitWorld

beforeEach(async () => {
  world = await openInitWorld()
})

afterEach(async () => {
  await world?.close()
})

interface Made {
  success: boolean
  changed: boolean
  keys: { recipients: string[]; recovery: { recipient: string; file: string | null; confirmed: boolean } }
  sources: {
    name: string
    backup_id: string
    proof: { success: boolean; state: string; drill?: { state: string } }
    schedule: { id: string; cron: string }
  }[]
  to_add: string | null
  findings: { name: string; state: string; message: string }[]
}

const made = (run: CliRun): Made => {
  expect(run.code, run.stderr).toBe(0)
  return run.json() as Made
}

/** Each file of the set-up, with its contents, its inode and the time of its last change. */
async function files(): Promise<Record<string, unknown>> {
  const names = await readdir(world.home)
  const facts = names.map(async name => {
    const { ino, mtimeMs, mode } = await stat(join(world.home, name))
    const text = await readFile(join(world.home, name), 'utf8').catch(() => '')
    return [name, { ino, mtimeMs, mode: mode & 0o777, text }]
  })
  return Object.fromEntries(await Promise.all(facts))
}

const messages = (): number => world.emulator.inspect.messages(world.chatId).length
const atHome = (name: string): Promise<string> => readFile(join(world.home, name), 'utf8')
const isAtHome = async (name: string): Promise<boolean> => (await readdir(world.home)).includes(name)

describe('a script', () => {
  it('gets from a token and a posted message to a proven backup with a schedule, and a second run changes nothing', async () => {
    await world.emulator.asHuman.post(world.chatId, { text: 'here' })
    const run = await world.init('--directory', world.site, '--project', 'web', '--json')
    const { sources, keys, changed, findings } = made(run)
    expect(changed).toBe(true)
    expect(sources).toMatchObject([
      { name: 'site', proof: { success: true, state: 'sound', drill: { state: 'passed' } } },
    ])
    expect(sources[0]?.schedule.cron).toMatch(/^\d{1,2} [1-4] \* \* \*$/)
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([])
    const before = await files()
    const secret = (await atHome('backup-key.txt')).split('\n').find(line => line.startsWith('AGE-')) ?? ''
    for (const hidden of [world.token, secret]) expect(run.stdout + run.stderr).not.toContain(hidden)
    for (const name of ['environment', 'telegram-backup.yaml', 'backup-key.txt', 'drill-key.txt'])
      expect(before[name]).toMatchObject({ mode: 0o600 })
    expect(Object.keys(before).filter(name => name.endsWith('.partial'))).toEqual([])
    const sent = messages()

    const again = made(await world.init('--directory', world.site, '--project', 'web', '--json'))
    expect(again).toMatchObject({
      changed: false,
      keys: { recovery: { recipient: keys.recovery.recipient } },
    })
    expect(again.sources[0]?.schedule).toEqual(sources[0]?.schedule)
    expect(await files()).toEqual(before)
    expect(messages()).toBe(sent)

    // Every command works with what is stored, and nothing else.
    expect((await world.call('list', '--json')).json()).toMatchObject([{ id: sources[0]?.backup_id }])
    expect((await world.call('verify', '--all', '--read-data')).code).toBe(0)
  })

  it('keeps no key here with --no-drill-key, and proves with the recovery key', async () => {
    const chat = String(world.chatId)
    const { keys, sources } = made(
      await world.init('--chat', chat, '--directory', world.site, '--no-drill-key', '--json'),
    )
    expect(keys.recipients).toEqual([keys.recovery.recipient])
    expect(sources).toMatchObject([{ proof: { drill: { state: 'passed' } } }])
    expect(await isAtHome('drill-key.txt')).toBe(false)
    expect(await atHome('environment')).not.toContain('IDENTITY')
  })

  it('without anything to back up ends with what to give, and goes on with it', async () => {
    const chat = String(world.chatId)
    const missing = await world.init('--chat', chat, '--directory', join(world.folder, 'nowhere'))
    expect(missing).toMatchObject({ code: 2 })
    expect(missing.stderr).toContain('does not exist')
    expect(missing.stderr).toContain('Then run "telegram-backup init" again')
    expect(await isAtHome('telegram-backup.yaml')).toBe(false)
    made(await world.init('--directory', world.site, '--json'))
  })

  it('needs --yes where there is no terminal', async () => {
    const run = await world.call('init')
    expect(run.code).toBe(2)
    expect(run.stderr).toContain('Give --yes')
  })
})

describe('the recovery key', () => {
  const start = (...args: string[]) =>
    world.init('--chat', String(world.chatId), '--directory', world.site, '--json', ...args)
  const doctor = async (): Promise<string> => (await world.call('doctor', '--fast')).stdout

  it('is unconfirmed until somebody says that it is saved, and then leaves the machine', async () => {
    expect(made(await start()).keys.recovery).toMatchObject({ confirmed: false })
    expect(await doctor()).toContain('recovery key not confirmed')
    const { keys } = made(await start('--key-saved'))
    expect(keys.recovery).toMatchObject({ confirmed: true, file: null })
    expect(await isAtHome('backup-key.txt')).toBe(false)
    expect(await doctor()).not.toContain('not confirmed')
    expect(made(await start('--key-saved'))).toMatchObject({ changed: false, success: true })
  })

  it('stays where the run that made it was told that it is saved, however often that run is repeated', async () => {
    for (const _ of [1, 2, 3]) {
      expect(made(await start('--key-saved')).keys.recovery).toMatchObject({ confirmed: true })
      expect(await isAtHome('backup-key.txt')).toBe(true)
    }
    expect(await doctor()).toContain('Its file is still on this machine')
  })

  it('stays with another key in its file', async () => {
    made(await start())
    const own = await atHome('backup-key.txt')
    const { stdout } = await world.call('keygen')
    await writeFile(join(world.home, 'backup-key.txt'), own + stdout)
    expect(made(await start('--key-saved')).keys.recovery).toMatchObject({ confirmed: true })
    expect(await atHome('backup-key.txt')).toBe(own + stdout)
  })
})

describe('what exists', () => {
  it('stays byte for byte: a configuration of the user’s own is used, and what to add is printed', async () => {
    const own = `# mine\nsources: { web: { project: shop, type: storage, directory: ${JSON.stringify(world.site)} } }\n`
    await mkdir(world.home, { mode: 0o700 })
    await writeFile(join(world.home, 'telegram-backup.yaml'), own, { mode: 0o600 })
    const chat = String(world.chatId)
    const run = await world.init('--chat', chat, '--directory', world.site, '--json')
    expect(made(run)).toMatchObject({ to_add: null, sources: [{ name: 'web' }] })
    const more = await world.init('--directory', world.folder, '--json')
    expect(more.code).toBe(3)
    expect(more.json()).toMatchObject({ to_add: expect.stringContaining(`directory: ${world.folder}`) })
    expect(await atHome('telegram-backup.yaml')).toBe(own)
  })

  it('is not replaced by another bot or chat', async () => {
    made(await world.init('--chat', String(world.chatId), '--directory', world.site, '--json'))
    const before = await atHome('environment')
    const other = world.emulator.createBot()
    await writeFile(join(world.folder, 'token'), other.token)
    expect((await world.init()).stderr).toContain('Another bot token is configured')
    await writeFile(join(world.folder, 'token'), world.token)
    expect((await world.init('--chat', '-1009')).code).toBe(2)
    expect(await atHome('environment')).toBe(before)
  })

  it('is not trusted in a folder that others can write to', async () => {
    await mkdir(world.home)
    await chmod(world.home, 0o777)
    const run = await world.init('--chat', String(world.chatId), '--directory', world.site)
    expect(run).toMatchObject({ code: 2 })
    expect(run.stderr).toContain('can be written by other users')
    expect(await readdir(world.home)).toEqual([])
  })
})
