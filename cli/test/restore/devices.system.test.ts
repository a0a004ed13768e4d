import { lstat, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkDirectoryDrill } from '@telegram-backup/connectors/directory/drill-directory.ts'
import type { DirectoryTarget } from '@telegram-backup/connectors/directory/unpack/target-folder.ts'
import type { Scratch } from '@telegram-backup/connectors/drilling.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { askForPlan, type RestorePlan } from '@telegram-backup/engine/restore/ask-for-plan.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

// `/dev/null` is backed up: everybody has that one, and nobody but root could make another.

const ONLY_NULL = ['./[!n]*', './n[!u]*', './nu[!l]*', './null?*'].flatMap(one => ['--exclude', one])

/** Refused before a place is asked for. */
const NO_SCRATCH = {} as Scratch

let bench: RestoreBench
let places: string
let backup: BackupDetails

beforeAll(async () => {
  bench = await openRestoreBench()
  places = join(bench.vault.folder, 'places')
  await mkdir(places)
  const args = ['send', '--project', 'shop', '--type', 'storage', '--json', '--directory', '/dev']
  const sent = await bench.cli([...args, ...ONLY_NULL])
  expect(sent.code, sent.stderr).toBe(0)
  expect(sent.stderr).toMatch(/^note: it holds 1 device, for example null; only root can restore that/m)
  backup = await bench.show((sent.json() as IntegratedBackupResult).databaseRecord?.id ?? '')
})

afterEach(() => {
  vi.restoreAllMocks()
})

afterAll(async () => {
  await bench.close()
})

/** Looked at by another user; nothing is fetched for it. */
async function preparedBy(uid: number, allow: readonly 'devices'[]): Promise<RestorePlan> {
  vi.spyOn(process, 'geteuid').mockReturnValue(uid)
  const target: DirectoryTarget = { kind: 'directory', path: join(places, 'dev') }
  return await askForPlan(target, backup, {
    wishes: { overwrite: false, keepOld: false, createRoles: false, trustGlobals: false, allow },
    config: readConfig(bench.env),
    signal: AbortSignal.timeout(60_000),
  })
}

describe('a directory with a device', () => {
  it('is refused before the first byte is fetched, unless devices are allowed', async () => {
    const before = bench.vault.emulator.inspect.calls('download')
    const ended = await bench.cli(['restore', backup.id, '--yes', '--to', join(places, 'dev')])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/holds 1 device, for example null/)
    expect(bench.vault.emulator.inspect.calls('download')).toBe(before)
    expect(await readdir(places)).toEqual([])
    await expect(preparedBy(0, [])).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--allow devices'),
    })
  })

  it('is refused to whoever is not root whatever is allowed, and so is its drill', async () => {
    for (const allow of [[], ['devices']] as const)
      await expect(preparedBy(1000, allow)).rejects.toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining('only root can create'),
        hint: expect.stringMatching(/Restore as root.*fetch/),
      })
    const drill = checkDirectoryDrill(backup, { scratch: NO_SCRATCH, signal: AbortSignal.timeout(60_000) })
    await expect(drill).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })

  it('says in the plan what becomes of it where root allows it', async () => {
    const words = '1 device, for example null; made as in the backup'
    expect((await preparedBy(0, ['devices'])).steps).toContainEqual({ does: 'treat devices', words })
    if (process.getuid?.() !== 0) return
    const to = join(places, 'made')
    const ended = await bench.cli(['restore', backup.id, '--yes', '--to', to, '--allow', 'devices'])
    expect(ended.stderr).toMatch(/^Devices {3}1 device, for example null; made as in the backup$/m)
    // In a container root may not be allowed to make any.
    if (ended.code === 0) expect((await lstat(join(to, 'null'))).isCharacterDevice()).toBe(true)
  })
})
