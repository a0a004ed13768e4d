import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TarReport } from '@telegram-backup/connectors/directory/pack/tar-report.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

let bench: RestoreBench
let folder: string

beforeAll(async () => {
  bench = await openRestoreBench()
  folder = join(bench.vault.folder, 'odd')
  await mkdir(folder)
})

afterAll(() => bench.close())

function bytesOf(path: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')])
}

async function namesIn(path: string): Promise<string[]> {
  return (await readdir(path, 'buffer')).map(name => name.toString('latin1')).sort()
}

describe('a name that is not UTF-8', () => {
  it('is sent as it is written, recorded so, and written back byte for byte', async () => {
    await writeFile(bytesOf(folder, 'a \xff\\'), 'odd')
    const sent = await bench.send('--file', join(folder, 'a\\ \\377\\\\'))
    const name = 'a\\ \\377\\\\'
    expect(sent.source).toMatchObject({ kind: 'file', filename: name, path: `${folder}/${name}` })

    const out = join(folder, 'out')
    await mkdir(out)
    const fetched = await bench.cli(['fetch', sent.id, '--out', join(out, 'b\\ \\376')])
    expect(fetched.code, fetched.stderr).toBe(0)
    expect(await namesIn(out)).toEqual(['b \xfe'])
    expect(await readFile(bytesOf(out, 'b \xfe'), 'utf8')).toBe('odd')

    // A link keeps its place, whatever the name that it leads to.
    await writeFile(bytesOf(out, 'b \xfe'), 'before')
    await symlink(bytesOf('.', 'b \xfe'), join(out, 'link'))
    expect((await bench.cli(['fetch', sent.id, '--out', join(out, 'link')])).code).toBe(0)
    expect(await namesIn(out)).toEqual(['b \xfe', 'link'])
    expect(await readFile(bytesOf(out, 'b \xfe'), 'utf8')).toBe('odd')
    await rm(out, { recursive: true })
  })

  it('is not taken for that where a file has the very name that was given', async () => {
    await writeFile(join(folder, 'c\\377'), 'plain')
    await writeFile(bytesOf(folder, 'c\xff'), 'odd')
    const sent = await bench.send('--file', join(folder, 'c\\377'))
    expect(sent.size).toBe('plain'.length)
    await bench.cli(['fetch', sent.id, '--out', join(folder, 'c\\377')])
    expect(await readFile(bytesOf(folder, 'c\xff'), 'utf8')).toBe('odd')
    // What an argument can say is said by it.
    expect((await bench.cli(['fetch', sent.id, '--out', join(folder, 'new\\n')])).code).toBe(0)
    expect(await namesIn(folder)).toContain('new\\n')
  })

  it('is told byte for byte of a link that leads out', async () => {
    const tree = join(folder, 'tree')
    await mkdir(tree)
    await symlink(bytesOf('', 'etc\xfd'), bytesOf(tree, 'l\xfe'))
    const sent = await bench.send('--type', 'storage', '--directory', tree)
    expect(sent.source).toMatchObject({ outside_links: [{ path: 'l\\376', target: '/etc\\375' }] })
  })

  it('is told byte for byte and on one line of a file that is left out', () => {
    const report = new TarReport({ directory: '/srv', allowed: ['unreadable'], mayGrow: false })
    report.hear('tar: "./a\\377\\nerror: forged": Cannot open: Permission denied')
    expect(report.skipped).toEqual([{ path: 'a\\377\\nerror:\\ forged', reason: 'unreadable' }])
  })
})
