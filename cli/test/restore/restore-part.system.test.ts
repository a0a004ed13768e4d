import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { endOfTar, header, member } from '@telegram-backup/test-support/tar-writer.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
let bench: RestoreBench
let tree: string
let places: string
let to: string
let backup: BackupDetails
let count = 0

beforeAll(async () => {
  bench = await openRestoreBench()
  tree = join(bench.vault.folder, 'tree')
  places = join(bench.vault.folder, 'places')
  await mkdir(places)
  await mkdir(join(tree, 'etc', 'nginx', 'conf.d'), { recursive: true })
  await writeFile(join(tree, 'etc', 'nginx', 'nginx.conf'), 'conf')
  await writeFile(join(tree, 'etc', 'nginx', 'conf.d', 'a.conf'), 'a', { mode: 0o640 })
  await symlink('nginx.conf', join(tree, 'etc', 'nginx', 'current'))
  await mkdir(join(tree, 'big'))
  for (let file = 1; file <= 6; file++) await writeFile(join(tree, 'big', `f${file}`), randomBytes(150_000))
  await link(join(tree, 'big', 'f1'), join(tree, 'zz-one'))
  await link(join(tree, 'big', 'f1'), join(tree, 'zz-two'))
  await writeFile(join(tree, 'a\nb [1]'), 'odd')
  await writeFile(Buffer.concat([Buffer.from(`${tree}/caf`), Buffer.from([0xe9])]), 'no UTF-8')
  await writeFile(join(tree, 'sparse'), 'begin')
  await truncate(join(tree, 'sparse'), 64 * 2 ** 20)
  await run('setfattr', ['-n', 'user.note', '-v', 'kept', join(tree, 'etc', 'nginx', 'nginx.conf')]).catch(
    () => {},
  )
  if (isRoot) await run('chown', ['-R', '1234:2345', join(tree, 'etc', 'nginx')])
  await chmod(join(tree, 'etc', 'nginx'), 0o2750)
  await chmod(join(tree, 'etc'), 0o711)
  for (const path of ['etc/nginx/nginx.conf', 'etc/nginx/conf.d', 'etc/nginx', 'etc'])
    await utimes(join(tree, path), 1_500_000_000.5, 1_500_000_000.5)
  backup = await bench.send('--type', 'storage', '--directory', tree)
})

afterAll(async () => {
  await bench.close()
})

beforeEach(() => {
  to = join(places, `to-${++count}`)
})

/** Everything that GNU find can tell, without the numbers of second names. */
async function listing(path: string, below = '.'): Promise<string> {
  const { stdout } = await run('find', [below, '-printf', '%P|%y|%m|%U|%G|%s|%T@|%l\\0'], {
    cwd: path,
    encoding: 'latin1',
  })
  return stdout.split('\0').sort().join('\n')
}

const restore = (paths: readonly string[], ...more: string[]): ReturnType<RestoreBench['cli']> =>
  bench.cli(['restore', backup.id, '--yes', '--json', '--to', to, ...more, '--path', ...paths])

/** How often a document of the chat was fetched during the work. */
async function fetchesIn(work: () => Promise<unknown>): Promise<number> {
  const before = bench.vault.emulator.inspect.calls('getfile')
  await work()
  return bench.vault.emulator.inspect.calls('getfile') - before
}

describe('a part of a directory comes back', () => {
  it('into a new one as it was, with the folders above it', async () => {
    const ended = await restore(['./etc/nginx/'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.json()).toMatchObject({ success: true, id: backup.id, target: to, members: 5, parts: 1 })
    expect(await readdir(to)).toEqual(['etc'])
    expect(await listing(to, 'etc')).toBe(await listing(tree, 'etc'))
    expect((await stat(to)).mode).toBe((await stat(tree)).mode)
    const { stdout } = await run('getfattr', ['-d', join(to, 'etc/nginx/nginx.conf')]).catch(() => ({
      stdout: 'user.note="kept"',
    }))
    expect(stdout).toContain('user.note="kept"')
    expect((await readdir(places)).filter(name => name.endsWith('.partial'))).toEqual([])
  })

  it('into one that exists, where all else stays, and over files only when told so', async () => {
    await mkdir(join(to, 'etc', 'nginx'), { recursive: true })
    await chmod(join(to, 'etc'), 0o700)
    await writeFile(join(to, 'etc', 'nginx', 'nginx.conf'), 'broken')
    await writeFile(join(to, 'etc', 'mine'), 'mine')
    const refused = await restore(['etc/nginx/nginx.conf'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/etc\/nginx\/nginx\.conf already[\s\S]*--overwrite/)
    expect(await readFile(join(to, 'etc', 'nginx', 'nginx.conf'), 'utf8')).toBe('broken')
    const ended = await restore(['etc/nginx/*'], '--overwrite')
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.json()).toMatchObject({ members: 4, replaced: 1 })
    expect(await readFile(join(to, 'etc', 'nginx', 'nginx.conf'), 'utf8')).toBe('conf')
    expect(await listing(to, 'etc/nginx/conf.d')).toBe(await listing(tree, 'etc/nginx/conf.d'))
    // Neither folder was asked for.
    expect((await stat(join(to, 'etc'))).mode & 0o7777).toBe(0o700)
    expect((await stat(join(to, 'etc', 'nginx'))).mode & 0o7777).toBe(0o755)
    expect((await readdir(to)).sort()).toEqual(['etc'])
    expect((await readdir(join(to, 'etc'))).sort()).toEqual(['mine', 'nginx'])
  })

  it('from only the parts that hold it, several places in one run', async () => {
    const whole = backup.parts.length
    let parts = 0
    const fetches = await fetchesIn(async () => {
      const ended = await restore(['etc/nginx/nginx.conf', 'big/f[25]'])
      expect(ended.code, ended.stderr).toBe(0)
      parts = (ended.json() as { parts: number }).parts
      // A part holds 32 KiB of random bytes; one file begins and ends in the middle of a part.
      expect(parts).toBeLessThanOrEqual(2 * (Math.ceil(150_000 / 32_768) + 1) + 1)
      expect(parts).toBeLessThan(whole)
    })
    // And the manifest, with the list of members.
    expect(fetches).toBe(parts + 1)
    for (const name of ['f2', 'f5'])
      expect(await readFile(join(to, 'big', name))).toEqual(await readFile(join(tree, 'big', name)))
    expect((await readdir(join(to, 'big'))).sort()).toEqual(['f2', 'f5'])
  })

  it('with the contents of a hard link that leads out of it, which its other names there share', async () => {
    const ended = await restore(['zz-*'])
    expect(ended.code, ended.stderr).toBe(0)
    expect((await readdir(to)).sort()).toEqual(['zz-one', 'zz-two'])
    expect(await readFile(join(to, 'zz-one'))).toEqual(await readFile(join(tree, 'big', 'f1')))
    const [one, two] = [await stat(join(to, 'zz-one')), await stat(join(to, 'zz-two'))]
    expect([one.ino, one.nlink]).toEqual([two.ino, 2])
  })

  it('under any name, also one that is no UTF-8 or looks like a pattern, with its holes', async () => {
    const ended = await restore(['a\nb [1]', 'caf\\351', 'sparse'])
    expect(ended.code, ended.stderr).toBe(0)
    expect((await readdir(to, 'latin1')).sort()).toEqual(['a\nb [1]', 'caf\xe9', 'sparse'])
    expect((await stat(join(to, 'sparse'))).blocks).toBeLessThan(1000)
  })

  it('not at all when a pattern matches nothing, and close names are given', async () => {
    const ended = await restore(['etc/nginx', 'etc/nginx/nginx.con'])
    expect(ended.code).toBe(4)
    expect(ended.stderr).toContain('"etc/nginx/nginx.conf"')
    await expect(lstat(to)).rejects.toThrow('ENOENT')
  })

  it('not into a database, and not from one', async () => {
    const url = 'postgresql://nobody@localhost:1/none'
    const ended = await bench.cli(['restore', backup.id, '--yes', '--to', url, '--path', 'etc'])
    expect(ended.code).toBe(2)
    const path = join(bench.vault.folder, 'dump.sql')
    await writeFile(path, 'select 1;')
    const { id } = await bench.send('--type', 'storage', '--file', path)
    expect((await bench.cli(['restore', id, '--yes', '--to', to, '--path', 'etc'])).code).toBe(2)
  })
})

describe('a hostile archive or target', () => {
  const hostile = async (name: string, ...members: Buffer[]): Promise<BackupDetails> => {
    const path = join(bench.vault.folder, `${name}.tar`)
    await writeFile(path, Buffer.concat([...members, endOfTar()]))
    return bench.send('--type', 'storage', '--file', path)
  }
  const part = (id: string, ...paths: string[]): ReturnType<RestoreBench['cli']> =>
    bench.cli(['restore', id, '--yes', '--to', to, '--path', ...paths])

  it.each([
    ['climbs', [member({ name: 'a/../../escaped', data: 'x' })]],
    [
      'writes through a link',
      [header({ name: 'a', type: '2', linkName: '..' }), member({ name: 'a/escaped', data: 'x' })],
    ],
    ['links to a file outside', [header({ name: 'a', type: '1', linkName: '../../etc/passwd' })]],
    ['leads out by a link', [header({ name: 'a', type: '2', linkName: '/etc' })]],
  ])('that %s changes nothing', async (name, members) => {
    const { id } = await hostile(`part-${name.replaceAll(' ', '-')}`, ...members)
    await mkdir(to)
    const ended = await part(id, '**')
    expect([1, 2], ended.stderr).toContain(ended.code)
    expect(await readdir(to)).toEqual([])
  })

  it('whose list is missing is read from the tar file itself, attributes and hard links with it', async () => {
    const { id } = await hostile(
      'plain',
      member({ name: 'dir/file', data: 'contents' }),
      header({ name: 'hard', type: '1', linkName: 'dir/file' }),
      member({ name: 'dir/file', data: 'later contents' }),
    )
    expect((await part(id, 'hard')).code).toBe(0)
    expect(await readFile(join(to, 'hard'), 'utf8')).toBe('contents')
    const listed = await bench.cli(['ls', id, 'dir', '--json'])
    expect(listed.json()).toMatchObject([
      { path: 'dir/file', mode: '0644' },
      { path: 'dir/file', size: 14 },
    ])
  })

  it('with a link on the way is refused before anything is fetched', async () => {
    await mkdir(to)
    await mkdir(join(places, 'elsewhere'), { recursive: true })
    await symlink(join(places, 'elsewhere'), join(to, 'etc'))
    const fetches = await fetchesIn(async () => {
      const ended = await restore(['etc/nginx/nginx.conf'], '--overwrite')
      expect(ended.code).toBe(2)
      expect(ended.stderr).toMatch(/etc is a link in the target/)
    })
    expect(fetches).toBe(1)
    expect(await readdir(join(places, 'elsewhere'))).toEqual([])
  })

  it('that holds the catalog or the key of this program is left alone', async () => {
    to = bench.vault.folder
    await writeFile(join(bench.vault.folder, 'own.tar'), '')
    const { id } = await hostile('own', member({ name: 'key.txt', data: 'x' }))
    const ended = await part(id, 'key.txt', '--overwrite')
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/This program needs .*key\.txt/)
    await rm(join(bench.vault.folder, 'own.tar'))
  })
})
