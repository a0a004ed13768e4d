import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONNECTORS } from '@telegram-backup/connectors/registry.ts'
import { checkConfigFile, checkNotifications } from '@telegram-backup/engine/doctor/setting-checks.ts'
import { type Config, readConfig } from '@telegram-backup/engine/environment.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let path: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-test-'))
  path = join(folder, 'telegram-backup.yaml')
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function saying(text: string): Promise<Config> {
  await writeFile(path, text, { mode: 0o600 })
  return readConfig({ TELEGRAM_BACKUP_HOME: folder, TELEGRAM_BACKUP_CONFIG: path })
}

it.each([
  ['TELEGRAM_MESSAGES_PER_MINUTE', { TELEGRAM_MESSAGES_PER_MINUTE: 'abc' }, 'digits alone'],
  ['TELEGRAM_BOT_TOKEN_FILE', { TELEGRAM_BOT_TOKEN_FILE: '/no/such/file' }, 'a file that this user can read'],
])(
  'a setting that cannot be read (%s) is a row of its own, and how to mend it',
  async (name, wrong, hint) => {
    const env = { TELEGRAM_BACKUP_HOME: folder, ...wrong }
    const json = await callCli(['doctor', '--json'], { env })
    expect(json.code).toBe(2)
    expect(json.json()).toMatchObject({
      ok: false,
      checks: [
        { name: 'settings', state: 'failed', message: expect.stringContaining(name) },
        ...CONNECTORS.flatMap(({ programs = [] }) => programs.map(({ name }) => ({ name }))),
      ],
    })
    const table = await callCli(['doctor'], { env })
    expect(table.stdout).toMatch(new RegExp(`^FAIL +settings +.*${name}`, 'm'))
    expect(table.stdout).toContain(hint)
  },
)

it('a file that is wrong is told once, as what is wrong with the sources', async () => {
  const config = await saying('sources:\n  shop: { project: shop, type: database }\n')
  await expect(checkConfigFile({ config })).rejects.toThrow(
    'line 2, column 3: sources.shop: names nothing to read',
  )
  expect(await checkNotifications({ config })).toMatchObject({
    message: expect.stringContaining('not known'),
  })
})

it('a source that will fail tonight though the file can be read is named', async () => {
  const config = await saying(
    'sources:\n  shop: { project: shop, type: logs, file: f, expires: 2020-01-31 }\n',
  )
  await expect(checkConfigFile({ config })).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringMatching(/^The source "shop" cannot be backed up: .* not in the future/),
  })
  expect((await checkNotifications({ config })).message).not.toContain('not known')
})

it('a source whose drills are to run on a target that does not exist is named', async () => {
  const config = await saying(
    'sources:\n  shop: { project: shop, type: database, postgres: postgresql://h/d, drill_on: scrach }\ntargets:\n  scratch: { postgres: postgresql://h/scratch }\n',
  )
  await expect(checkConfigFile({ config })).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringContaining('"scrach"'),
    hint: expect.stringContaining('There are: scratch.'),
  })
})
