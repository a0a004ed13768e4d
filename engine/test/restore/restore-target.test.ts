import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BackupDetails } from '@telegram-backup/database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Config } from '#environment.ts'
import { assertRestorable, chooseTarget, readTarget } from '#restore/restore-target.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restore-target-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const DUMP = {
  id: 'x',
  type: 'database',
  source: { kind: 'postgres' },
  filename: 'shop.sql',
} as Partial<BackupDetails> as BackupDetails
const FOLDER = {
  id: 'x',
  type: 'storage',
  source: { kind: 'directory' },
  filename: 'up.tar',
} as Partial<BackupDetails> as BackupDetails

/** As if the file said that. */
async function configOf(text: string): Promise<Config> {
  const configFile = join(folder, 'telegram-backup.yaml')
  await writeFile(configFile, text)
  return { configFile, stateFolder: folder } as Config
}

it.each(['', 'targets: { production: { postgres: "postgresql://u@h/d" } }'])(
  'a name that is no target’s is told as such where only a database can be meant: %s',
  async text => {
    const config = await configOf(text)
    for (const refused of [
      () => chooseTarget('staging', DUMP, config),
      () => readTarget('staging', config, { mayBeDirectory: false }),
    ]) {
      await expect(refused()).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('names no target "staging"'),
        hint: expect.stringMatching(/^(There are: production\. )?Give a PostgreSQL URL/),
      })
    }
  },
)

it('a name that is no target’s is a new directory where there are no targets, and asked about where there are', async () => {
  const directory = { kind: 'directory', path: 'staging' }
  expect(await chooseTarget('staging', FOLDER, await configOf(''))).toEqual(directory)
  const config = await configOf('targets: { production: { postgres: "postgresql://u@h/d" } }')
  await expect(chooseTarget('staging', FOLDER, config)).rejects.toMatchObject({
    hint: expect.stringContaining('write ./staging'),
  })
})

it('a backup or a wish that does not fit the kind of the target is refused', () => {
  const [database, directory] = [{ kind: 'postgres' }, { kind: 'directory' }]
  const devices = { allow: ['devices'] } as const
  expect(() => assertRestorable(DUMP, database, { keepOld: true, createRoles: true })).not.toThrow()
  expect(() => assertRestorable(FOLDER, directory, devices)).not.toThrow()
  for (const [backup, target, wishes, message] of [
    [FOLDER, database, {}, 'is of a directory, and the target is a database'],
    [DUMP, directory, {}, 'is not of a directory'],
    [DUMP, database, devices, 'does not support "allow"; only a directory does'],
    [FOLDER, directory, { keepOld: true }, 'does not support "keepOld"; only a database does'],
  ] as const)
    expect(() => assertRestorable(backup, target, wishes)).toThrow(message)
})
