import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const run = promisify(execFile)
let bench: RestoreBench
let places: string

beforeAll(async () => {
  bench = await openRestoreBench()
  places = join(bench.vault.folder, 'places')
  await mkdir(places)
})

afterAll(async () => {
  await bench.close()
})

/** Everything that GNU find can tell of a tree, without the times of access. */
async function listing(path: string): Promise<string> {
  const { stdout } = await run('find', [path, '-printf', '%P|%y|%m|%U|%G|%s|%T@|%n|%l\n'], {
    encoding: 'latin1',
  })
  return stdout.split('\n').sort().join('\n')
}

describe('a directory with links that lead out', () => {
  let etc: string
  let sent: BackupDetails
  const to = (): string => join(places, 'etc')

  beforeAll(async () => {
    etc = join(bench.vault.folder, 'etc')
    await mkdir(join(etc, 'alternatives'), { recursive: true })
    await writeFile(join(etc, 'passwd'), 'root')
    await symlink('/usr/bin/vim', join(etc, 'alternatives', 'vi'))
    await run('ln', ['--physical', join(etc, 'alternatives', 'vi'), join(etc, 'zz-hard')])
    await symlink('../passwd', join(etc, 'alternatives', 'inside'))
    const ended = await bench.cli([
      'send',
      '--project',
      'etc',
      '--type',
      'storage',
      '--json',
      '--directory',
      etc,
    ])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toMatch(
      /1 link leads out of the directory, for example alternatives\/vi -> \/usr\/bin\/vim/,
    )
    sent = await bench.show((ended.json() as { databaseRecord: { id: string } }).databaseRecord.id)
  })

  it('is refused before the first byte is fetched', async () => {
    const before = bench.vault.emulator.inspect.calls('download')
    const ended = await bench.cli(['restore', sent.id, '--yes', '--to', to()])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/1 link leads out[\s\S]*--links skip/)
    expect(bench.vault.emulator.inspect.calls('download')).toBe(before)
    expect(await readdir(places)).not.toContain('etc')
  })

  it('comes back with them as they are where that is asked for', async () => {
    const ended = await bench.cli(['restore', sent.id, '--yes', '--to', to(), '--links', 'keep'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(await listing(to())).toBe(await listing(etc))
    await rm(to(), { recursive: true })
  })

  it('comes back without them, each named, where that is asked for', async () => {
    const ended = await bench.cli(['restore', sent.id, '--yes', '--json', '--to', to(), '--links', 'skip'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toMatch(/^Links .*they are left out$/m)
    expect(ended.json()).toMatchObject({
      left_out_links: 2,
      left_out: [
        { path: 'alternatives/vi', target: '/usr/bin/vim' },
        { path: 'zz-hard', target: './alternatives/vi' },
      ],
    })
    expect((await readdir(to(), { recursive: true })).sort()).toEqual([
      'alternatives',
      'alternatives/inside',
      'passwd',
    ])
    expect(await readFile(join(to(), 'alternatives', 'inside'), 'utf8')).toBe('root')
    await rm(to(), { recursive: true })
  })
})
