import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmod,
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

const run = promisify(execFile)
let bench: RestoreBench
let tree: string
let places: string
let backup: BackupDetails

beforeAll(async () => {
  bench = await openRestoreBench()
  tree = join(bench.vault.folder, 'tree')
  places = join(bench.vault.folder, 'places')
  await mkdir(places)
  await mkdir(join(tree, 'we ird', 'déép', 'x'.repeat(200), 'y'.repeat(200)), { recursive: true })
  await writeFile(join(tree, 'we ird', 'déép', 'x'.repeat(200), 'y'.repeat(200), '🐘.txt'), 'long')
  await writeFile(join(tree, 'big.bin'), randomBytes(200_000))
  await writeFile(join(tree, 'a\nb\\c'), 'odd name')
  await writeFile(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x66, 0xff])]), 'no UTF-8')
  await writeFile(join(tree, 'script'), '#!/bin/sh\n')
  await chmod(join(tree, 'script'), 0o755)
  await run('ln', [join(tree, 'script'), join(tree, 'zz-hard')])
  await symlink('../big.bin', join(tree, 'we ird', 'link'))
  await symlink('nowhere', join(tree, 'dangling'))
  await writeFile(join(tree, 'sparse'), 'begin')
  await truncate(join(tree, 'sparse'), 64 * 2 ** 20)
  await mkdir(join(tree, 'empty'))
  await run('mkfifo', [join(tree, 'fifo')])
  if (process.getuid?.() === 0) await run('chown', ['1234:2345', join(tree, 'big.bin')])
  await chmod(join(tree, 'empty'), 0o1777)
  await utimes(join(tree, 'we ird'), 1_500_000_000, 1_500_000_000)
  backup = await bench.send('--type', 'storage', '--directory', tree)
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

const restore = (to: string, ...more: string[]): ReturnType<RestoreBench['cli']> =>
  bench.cli(['restore', backup.id, '--yes', '--json', '--to', to, ...more])

describe('a directory comes back', () => {
  it('as it was: modes, owners, times, links, sparse files, long and odd names', async () => {
    const to = join(places, 'back')
    const ended = await restore(to)
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.json()).toMatchObject({ success: true, id: backup.id, target: to, bytes: backup.size })
    expect(ended.stderr).toMatch(/^Estimate +\S+ to fetch$/m)
    expect(await listing(to)).toBe(await listing(tree))
    await run('diff', ['-r', '--no-dereference', '--exclude=fifo', tree, to])
    expect((await stat(join(to, 'sparse'))).blocks).toBeLessThan(1000)
    expect(await readdir(places)).toEqual(['back'])
    expect((await bench.show(backup.id)).restore_count).toBe(1)
  })

  it('over one that is there only when told so, and then nothing of the old one is left', async () => {
    const to = join(places, 'back')
    await writeFile(join(to, 'extra'), 'extra')
    const refused = await restore(to)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/not empty[\s\S]*--overwrite/)
    expect(await readFile(join(to, 'extra'), 'utf8')).toBe('extra')
    const link = join(places, 'link-to-back')
    await symlink(to, link)
    const ended = await restore(link, '--overwrite')
    expect(ended.code, ended.stderr).toBe(0)
    expect(await listing(to)).toBe(await listing(tree))
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    await rm(link)
    expect(await readdir(places)).toEqual(['back'])
  })

  it('into an empty one', async () => {
    const to = join(places, 'empty')
    await mkdir(to)
    expect((await restore(to)).code).toBe(0)
    expect(await listing(to)).toBe(await listing(tree))
    await rm(to, { recursive: true })
  })

  it('not where nothing can be swapped: a file, a mount point, a folder that is not there, the root', async () => {
    await writeFile(join(places, 'file'), 'x')
    const dangling = join(places, 'dangling')
    await symlink('nowhere', dangling)
    // The vault's folder holds the catalog and the key.
    const catalog = bench.vault.folder
    for (const to of [join(places, 'file'), '/proc', join(places, 'no', 'such'), '/', dangling, catalog]) {
      const ended = await restore(to, '--overwrite')
      expect(ended.code, `${to}: ${ended.stderr}`).toBe(2)
    }
    await rm(join(places, 'file'))
    await rm(dangling)
  })
})

describe('a hostile archive', () => {
  const hostile = async (name: string, ...members: Buffer[]): Promise<BackupDetails> => {
    const path = join(bench.vault.folder, `${name}.tar`)
    await writeFile(path, Buffer.concat([...members, endOfTar()]))
    return bench.send('--type', 'storage', '--file', path)
  }

  it.each([
    ['climbs', [member({ name: '../escaped', data: 'x' })]],
    ['is absolute', [member({ name: '/tmp/escaped-by-telegram-backup', data: 'x' })]],
    [
      'writes through a link',
      [header({ name: 'out', type: '2', linkName: '..' }), member({ name: 'out/escaped', data: 'x' })],
    ],
    ['links to a file outside', [header({ name: 'hard', type: '1', linkName: '/etc/passwd' })]],
  ])('that %s leaves nothing, also after honest members', async (name, members) => {
    const { id } = await hostile(name.replaceAll(' ', '-'), member({ name: 'honest', data: 'x' }), ...members)
    for (const more of [[], ['--allow', 'outside-links,devices']]) {
      const ended = await bench.cli(['restore', id, '--yes', '--to', join(places, 'victim'), ...more])
      expect(ended.code, ended.stderr).toBe(1)
      expect(await readdir(places)).toEqual(['back'])
    }
    await expect(stat('/tmp/escaped-by-telegram-backup')).rejects.toThrow('ENOENT')
  })

  it('with a link that leads out is restored only when that is allowed by name', async () => {
    const { id } = await hostile('leads-out', header({ name: 'etc', type: '2', linkName: '/etc' }))
    const args = ['restore', id, '--yes', '--to', join(places, 'victim')]
    const refused = await bench.cli(args)
    expect(refused.stderr).toMatch(/link "etc" leads out of the directory[\s\S]*--links skip/)
    expect(refused.code).toBe(1)
    expect((await bench.cli([...args, '--allow', 'outside-links'])).code).toBe(0)
    expect((await lstat(join(places, 'victim', 'etc'))).isSymbolicLink()).toBe(true)
    await rm(join(places, 'victim'), { recursive: true })
  })
})

describe('one file of a directory', () => {
  const fetch = (path: string, ...more: string[]): ReturnType<RestoreBench['cli']> =>
    bench.cli(['fetch', backup.id, '--path', path, '--out', join(places, 'one'), ...more])

  it.each([
    ['we ird/déép/'.concat('x'.repeat(200), '/', 'y'.repeat(200), '/🐘.txt')],
    ['./big.bin'],
    ['a\nb\\c'],
    ['script'],
    ['zz-hard'],
    ['sparse'],
  ])('comes back as it was: %j', async path => {
    const ended = await fetch(path)
    expect(ended.code, ended.stderr).toBe(0)
    const [out, source] = [await readFile(join(places, 'one')), await readFile(join(tree, path))]
    expect(out.equals(source)).toBe(true)
    await rm(join(places, 'one'))
  })

  it('has its mode and its time', async () => {
    await chmod(join(tree, 'script'), 0o755)
    expect((await fetch('script')).code).toBe(0)
    const [out, source] = [await stat(join(places, 'one')), await stat(join(tree, 'script'))]
    expect(out.mode & 0o777).toBe(0o755)
    expect(Math.abs(out.mtimeMs - source.mtimeMs)).toBeLessThan(1)
    await rm(join(places, 'one'))
  })

  it('whose name is not UTF-8 or has a line break is listed on one line, and found by what is listed', async () => {
    const list = await bench.cli(['fetch', backup.id, '--list'])
    const names = list.stdout.split('\n').map(line => line.slice(14))
    expect(names).toEqual(expect.arrayContaining(['f\\377', 'a\\nb\\\\c', 'big.bin']))
    expect((await fetch('f\\377')).code).toBe(0)
    expect(await readFile(join(places, 'one'), 'utf8')).toBe('no UTF-8')
    await rm(join(places, 'one'))
    expect((await fetch('a\\nb\\\\c')).code).toBe(0)
    expect(await readFile(join(places, 'one'), 'utf8')).toBe('odd name')
    await rm(join(places, 'one'))
    const raw = await bench.cli(['fetch', backup.id, '--list', '-0'])
    expect(raw.stdout.split('\0')).toEqual(expect.arrayContaining(['f\xff', 'a\nb\\c']))
    const json = (await bench.cli(['fetch', backup.id, '--list', '--json'])).json()
    expect(json).toContainEqual(
      expect.objectContaining({ path_base64: Buffer.from([0x66, 0xff]).toString('base64') }),
    )
  })

  it('is not written under another name than the one that was meant', async () => {
    const ended = await bench.cli(['fetch', backup.id, '--path', 'script', '--out', join(places, 'f\ufffd')])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain('ls -b')
    expect(await readdir(places)).not.toContain('f\ufffd')
  })

  it('fetches only the parts that hold it', async () => {
    const before = bench.vault.emulator.inspect.calls('download')
    expect((await fetch('script')).code).toBe(0)
    // The manifest, and one or two parts.
    expect(bench.vault.emulator.inspect.calls('download') - before).toBeLessThanOrEqual(3)
    expect(backup.part_count).toBeGreaterThan(3)
    await rm(join(places, 'one'))
  })

  it('is told apart from what is no file, and from what is not there', async () => {
    const missing = await fetch('BIG.bin')
    expect(missing.code).toBe(4)
    expect(missing.stderr).toMatch(/Did you mean "big.bin"/)
    expect((await fetch('no-such-thing')).stderr).toMatch(/--list/)
    for (const [path, words] of [
      ['we ird', /directory/],
      ['dangling', /symbolic link/],
      ['fifo', /device, pipe/],
      ['.', /directory/],
    ] as const) {
      const ended = await fetch(path)
      expect(ended.stderr).toMatch(words)
      expect(ended.code).toBe(2)
    }
    expect(await readdir(places)).toEqual(['back'])
  })

  it('is found in the list, and in a tar file whose manifest has no index of it', async () => {
    const listed = (await bench.cli(['fetch', backup.id, '--list', '--json'])).json() as Array<{
      path: string
    }>
    expect(listed.map(({ path }) => path)).toEqual(expect.arrayContaining(['.', 'big.bin', 'we ird/link']))
    const path = join(bench.vault.folder, 'given.tar')
    await writeFile(
      path,
      Buffer.concat([
        member({ name: 'a', data: 'first' }),
        header({ name: 'b', type: '1', linkName: 'a' }),
        member({ name: 'a', data: 'second' }),
        endOfTar(),
      ]),
    )
    const { id } = await bench.send('--type', 'storage', '--file', path)
    // As tar has it: a link leads to what had its name when the link was made.
    for (const [name, contents] of [
      ['a', 'second'],
      ['b', 'first'],
    ] as const) {
      const ended = await bench.cli(['fetch', id, '--path', name, '--out', '-'])
      expect(ended.stdout, ended.stderr).toBe(contents)
    }
  })
})
