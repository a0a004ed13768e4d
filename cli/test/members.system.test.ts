import { execFile } from 'node:child_process'
import { appendFile, chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const run = promisify(execFile)
let bench: RestoreBench
let tree: string
/** Three backups of one directory, oldest first. */
let backups: BackupDetails[]

const send = (): Promise<BackupDetails> => bench.send('--type', 'storage', '--directory', tree)

beforeAll(async () => {
  bench = await openRestoreBench()
  tree = join(bench.vault.folder, 'tree')
  await mkdir(join(tree, 'etc', 'nginx'), { recursive: true })
  await writeFile(join(tree, 'etc', 'nginx', 'nginx.conf'), 'one')
  await utimes(join(tree, 'etc', 'nginx', 'nginx.conf'), 1_500_000_000, 1_500_000_000.5)
  await writeFile(join(tree, 'etc', 'gone'), 'gone', { mode: 0o640 })
  await writeFile(join(tree, 'etc', 'evil\u001b[31m\nname'), '')
  await symlink('nginx.conf', join(tree, 'etc', 'nginx', 'current'))
  await run('ln', [join(tree, 'etc', 'gone'), join(tree, 'etc', 'second')])
  await chmod(join(tree, 'etc', 'nginx'), 0o2750)
  backups = [await send(), await send()]
  await appendFile(join(tree, 'etc', 'nginx', 'nginx.conf'), 'two')
  await rm(join(tree, 'etc', 'gone'))
  await chmod(join(tree, 'etc', 'nginx'), 0o755)
  await writeFile(join(tree, 'new'), 'new')
  backups.push(await send())
})

afterAll(async () => {
  await bench.close()
})

const idOf = (at: number): string => backups[at]?.id ?? ''

describe('ls', () => {
  it('lists a folder as ls -l does, without fetching a part', async () => {
    const before = bench.vault.emulator.inspect.calls('getfile')
    const listed = await bench.cli(['ls', idOf(0), './etc/nginx/', '--json'])
    expect(bench.vault.emulator.inspect.calls('getfile') - before).toBe(1)
    const [{ stdout: owner }, { stdout: group }] = await Promise.all([
      run('stat', ['-c', '%U', tree]),
      run('stat', ['-c', '%G', tree]),
    ])
    const owners = { owner: owner.trim(), group: group.trim() }
    expect(listed.json()).toMatchObject([
      { path: 'etc/nginx/current', kind: 'symlink', size: 0, mode: '0777', link: 'nginx.conf', ...owners },
      {
        ...{ path: 'etc/nginx/nginx.conf', kind: 'file', size: 3, mode: '0644', ...owners },
        modified_at: '2017-07-14T02:40:00.500Z',
      },
    ])
    const long = await bench.cli(['ls', idOf(0), 'etc', '--long', '--utc'])
    expect(long.stdout).toMatch(/^drwxr-s--- .* etc\/nginx$/m)
    expect(long.stdout).toMatch(/ etc\/second link to etc\/gone$/m)
  })

  it('lists everything only when told to, or as JSON without a path', async () => {
    const top = await bench.cli(['ls', idOf(0)])
    expect(top.stdout.trim()).toBe('directory  etc')
    const whole = await bench.cli(['ls', idOf(0), '--recursive'])
    expect(whole.stdout.split('\n')).toHaveLength(8)
    expect((await bench.cli(['ls', idOf(0), '--json'])).json()).toHaveLength(7)
    expect((await bench.cli(['ls', idOf(0), '**/*.conf'])).stdout.trim()).toBe('3 B  etc/nginx/nginx.conf')
  })

  it('prints a hostile name on one line, without its control characters', async () => {
    const { stdout } = await bench.cli(['ls', idOf(0), 'etc'])
    expect(stdout).toContain('etc/evil\\033[31m\\nname')
    expect(stdout).not.toContain('\u001b')
  })

  it('says what is missing: the path, the key, a directory', async () => {
    const unknown = await bench.cli(['ls', idOf(0), 'etc/nginx/nginx.cnf', '--json'])
    expect([unknown.code, unknown.json()]).toMatchObject([4, { success: false, code: 'NOT_FOUND' }])
    const keyless = await bench.cli(['ls', idOf(0)], { env: { BACKUP_AGE_IDENTITY_FILE: '' } })
    expect([keyless.code, keyless.stderr]).toEqual([2, expect.stringMatching(/BACKUP_AGE_IDENTITY_FILE/)])
  })
})

describe('find', () => {
  it('shows each version of a file with the backups that hold it, newest first', async () => {
    const found = await bench.cli(['find', 'nginx.conf', '--json'])
    expect(found.json()).toMatchObject([
      { path: 'etc/nginx/nginx.conf', size: 6, id: idOf(2), project: 'shop', source: null },
      { path: 'etc/nginx/nginx.conf', size: 3, id: idOf(1) },
      { path: 'etc/nginx/nginx.conf', size: 3, id: idOf(0), created_at: backups[0]?.created_at },
    ])
    const { stdout } = await bench.cli(['find', 'nginx.conf'])
    expect(stdout).toContain(`in 1 backup: ${idOf(2).slice(0, 8)}`)
    expect(stdout).toMatch(new RegExp(`in 2 backups: ${idOf(1).slice(0, 8)} .* to ${idOf(0).slice(0, 8)}`))
  })

  it('says that a file is gone, and finds by path, pattern and filter', async () => {
    const gone = await bench.cli(['find', 'gone'])
    expect(gone.stdout).toMatch(/not in the newest backup/)
    expect((await bench.cli(['find', `${tree}/etc/gone`, '--json'])).json()).toHaveLength(2)
    expect((await bench.cli(['find', 'etc/*/nginx.*', '--project', 'shop', '--json'])).json()).toHaveLength(3)
    const none = await bench.cli(['find', 'nginx.conf', '--source', 'other', '--json'])
    expect([none.code, none.json()]).toEqual([4, []])
  })

  it('passes over a backup whose list is damaged, and says so', async () => {
    bench.chat.replace(backups[1]?.manifest?.sha256 ?? '', Buffer.from('not the manifest'))
    const found = await bench.cli(['find', 'nginx.conf', '--json'])
    bench.chat.honest()
    expect([found.code, found.stderr]).toEqual([3, expect.stringContaining(idOf(1))])
    expect(found.json()).toHaveLength(2)
  })
})

it('diff shows what was added, removed and changed, and how', async () => {
  const same = await bench.cli(['diff', idOf(0), idOf(1), '--json'])
  expect([same.code, same.json()]).toEqual([0, []])
  const changed = await bench.cli(['diff', idOf(1), idOf(2), '--json'])
  expect(changed.code).toBe(0)
  expect(changed.json()).toMatchObject([
    { path: 'etc/gone', change: 'removed' },
    { path: 'etc/nginx', change: 'changed', mode: '0755', differs: ['mode'], before: { mode: '2750' } },
    { path: 'etc/nginx/nginx.conf', change: 'changed', size: 6, differs: ['size', 'modified_at'] },
    { path: 'etc/second', kind: 'file', change: 'changed', before: { kind: 'hardlink' } },
    { path: 'new', change: 'added', kind: 'file' },
  ])
  const words = await bench.cli(['diff', idOf(1), idOf(2)])
  expect(words.stdout).toMatch(/^M {2}etc\/nginx {2}\(drwxr-s--- -> drwxr-xr-x\)$/m)
  expect(words.stdout).toMatch(/1 member added, 1 removed, 3 changed, \d+ unchanged\n$/)
})
