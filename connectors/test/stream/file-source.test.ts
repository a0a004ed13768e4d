import { execFile, execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupSource } from 'telegram-deployment-bot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFileSource } from '#stream/file-source.ts'

// `file:` of a source whose folder belongs to somebody else, read by root.

const run = promisify(execFile)
const OTHER_USER = 65_534

let root: string
let theirs: string
let dump: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'file-source-'))
  await chmod(root, 0o755)
  theirs = join(root, 'theirs')
  dump = join(theirs, 'shop.sql')
  await mkdir(theirs)
  if (process.getuid?.() === 0) await chown(theirs, OTHER_USER, OTHER_USER)
  await writeFile(join(root, 'secret'), 'secret', { mode: 0o600 })
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

async function asOther(script: string): Promise<void> {
  const args = [`--reuid=${OTHER_USER}`, `--regid=${OTHER_USER}`, '--clear-groups', 'sh', '-ec', script]
  await run('setpriv', args, { cwd: theirs })
}

async function bytesOf(source: BackupSource): Promise<string> {
  try {
    if (!('fd' in source.archiveSource)) throw new Error('It is no file')
    return await readFile(`/proc/self/fd/${source.archiveSource.fd}`, 'utf8')
  } finally {
    await source.close()
  }
}

const open = (path: string, waits = false): Promise<BackupSource> =>
  openFileSource(path, { type: 'storage', waits })

describe.skipIf(process.getuid?.() !== 0)('the owner of the folder of a file that root backs up', () => {
  it.each([
    ['a link', 'ln -s ../secret shop.sql'],
    ['a chain of links', 'ln -s link shop.sql; ln -s ../secret link'],
    ['a folder that is a link', 'ln -s .. up; ln -s up/secret shop.sql'],
  ])('has nothing of others taken in by %s', async (_what, script) => {
    await asOther(script)
    await expect(open(dump)).rejects.toMatchObject({
      code: 'SOURCE',
      message: expect.stringContaining('link that belongs to another user'),
    })
  })

  it('may have his own file under a link', async () => {
    await asOther('echo theirs > monday; ln -s monday shop.sql')
    const source = await open(dump)
    expect(source.filename).toBe('shop.sql')
    expect(source.facts).toMatchObject({ path: dump })
    expect(await bytesOf(source)).toBe('theirs\n')
  })
})

describe('a file that is to be sent', () => {
  it('may lie behind links of one’s own', async () => {
    await symlink('../secret', dump)
    expect(await bytesOf(await open(dump))).toBe('secret')
  })

  it('is not waited for where nobody is: a FIFO is refused at once', async () => {
    execFileSync('bash', ['-c', 'mkfifo "$0"', dump])
    await expect(open(dump)).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('pipe'),
    })
  })

  it('that is not there is named as it was given', async () => {
    for (const path of [dump, join(root, 'no', 'such')])
      await expect(open(path)).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining(path),
      })
  })
})
