import { writeFileSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LiveConfigFile, openLiveConfigFile } from '#config/live-config-file.ts'
import { createLogger } from '#logging.ts'

const SHOP = 'sources:\n  shop: { project: shop, type: database, file: /srv/shop.sql }\n'
const BOTH = `${SHOP}  logs: { project: shop, type: logs, file: /srv/shop.log }\n`

let folder: string
let path: string
let lines: { level: string; msg: string; [name: string]: unknown }[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'live-config-'))
  path = join(folder, 'telegram-backup.yaml')
  lines = []
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const write = (text: string): Promise<void> => writeFile(path, text, { mode: 0o600 })
const open = (options: { named?: boolean } = {}): Promise<LiveConfigFile> =>
  openLiveConfigFile(
    { stateFolder: folder, configFile: options.named === false ? undefined : path },
    createLogger({ level: 'info', stream: { write: line => lines.push(JSON.parse(line)) } }),
  )
const said = (level: string): string[] => lines.filter(line => line.level === level).map(({ msg }) => msg)

test('what was added, changed and taken away is in use after the next look, and whoever listens hears of it once', async () => {
  await write(SHOP)
  const file = await open()
  let heard = 0
  const forget = file.onChange(() => heard++)
  await file.reread()
  expect([heard, lines]).toEqual([0, []])

  await write(BOTH.replace('/srv/shop.sql', '/srv/other.sql'))
  await Promise.all([file.reread(), file.reread()])
  expect(file.sourceNames).toEqual(['shop', 'logs'])
  expect(file.source('shop').file).toBe('/srv/other.sql')
  expect(heard).toBe(1)
  expect(lines).toEqual([expect.objectContaining({ level: 'info', path, new_sources: ['logs'] })])

  await write('')
  await file.reread()
  expect(file.sourceNames).toEqual([])
  expect(() => file.source('shop')).toThrow('No source is named "shop"')
  forget()
  await write(SHOP)
  await file.reread()
  expect(file.sourceNames).toEqual(['shop'])
  expect(heard).toBe(2)
})

test.each([
  ['no valid YAML', 'sources: [\n', 'line 2'],
  ['a setting that nobody knows', `${SHOP}nonsense: 1\n`, 'nonsense'],
  ['a source of nothing', `${SHOP}  logs: { project: shop, type: logs }\n`, 'sources.logs: names nothing'],
  ['notifications that cannot be', `${SHOP}notifications: { waiting_for: soon }\n`, 'waiting_for'],
  ['a variable that is not set', `${SHOP}notifications: { webhook: "$\{NO_SUCH_VARIABLE}" }\n`, 'NO_SUCH'],
])('%s changes nothing, is reported once, and is over when it was repaired', async (_, broken, words) => {
  await write(SHOP)
  const file = await open()
  let heard = 0
  file.onChange(() => heard++)
  await write(broken)
  await file.reread()
  await file.reread()
  expect(file.sourceNames).toEqual(['shop'])
  expect(file.source('shop').file).toBe('/srv/shop.sql')
  expect(file.fault).toMatchObject({ code: expect.any(String), message: expect.stringContaining(words) })
  expect(said('error')).toHaveLength(1)
  expect(heard).toBe(0)

  await write(BOTH)
  await file.reread()
  expect(file.fault).toBeUndefined()
  expect(file.sourceNames).toEqual(['shop', 'logs'])
  expect(said('info')).toEqual([
    'the configuration file can be used again',
    'the configuration file was changed, and is in use',
  ])
})

test.each([{ named: true }, { named: false }])(
  'a file that is away keeps what it said, and counts again when it is back ($named)',
  async options => {
    await write(SHOP)
    const file = await open(options)
    await rename(path, `${path}~`)
    await file.reread()
    expect(file.fault).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('ENOENT') })
    expect(file.sourceNames).toEqual(['shop'])
    await rename(`${path}~`, path)
    await file.reread()
    expect(file.fault).toBeUndefined()
  },
)

test('a file that was not there at the start is found when it comes', async () => {
  const file = await open({ named: false })
  expect(file.sourceNames).toEqual([])
  await write(SHOP)
  await file.reread()
  expect([file.path, file.sourceNames]).toEqual([path, ['shop']])
})

test('a file that is being written is not believed before it is whole', async () => {
  await write(BOTH)
  const file = await open()
  await write('')
  const reading = file.reread()
  // What an editor does that empties a file before it fills it.
  writeFileSync(path, BOTH)
  await reading
  expect(file.sourceNames).toEqual(['shop', 'logs'])
  expect(lines).toEqual([])
})

test('limits of the HTTP API are said to wait for the next start', async () => {
  await write(SHOP)
  const file = await open()
  await write(`${SHOP}http: { uploads_at_once: 3 }\n`)
  await file.reread()
  expect(said('warn')).toEqual([expect.stringContaining('after the next start')])
})
