import { execFile } from 'node:child_process'
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { moveIn } from '#directory/unpack/move-in.ts'
import { inspectPlaces } from '#directory/unpack/part-places.ts'
import { type MovedIn, StagingFolder } from '#directory/unpack/staging-folder.ts'

const run = promisify(execFile)
let target: string
let outside: string

beforeEach(async () => {
  target = await mkdtemp(join(tmpdir(), 'move-in-'))
  outside = await mkdtemp(join(tmpdir(), 'outside-'))
  await writeFile(join(outside, 'precious'), 'precious')
  await mkdir(join(target, 'a'))
  await writeFile(join(target, 'a', 'old'), 'old')
  await writeFile(join(target, 'a', 'both'), 'old')
})

afterEach(async () => {
  expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('precious')
  await rm(target, { recursive: true, force: true })
  await rm(outside, { recursive: true, force: true })
})

const places = (): ReturnType<typeof inspectPlaces> =>
  inspectPlaces(target, [], { overwrite: true, sizeBytes: 1, keep: [] })

/** A tree in the staging folder of the target, filled by a shell. */
async function staged(script: string): Promise<StagingFolder> {
  const staging = await StagingFolder.create((await places()).staging)
  await run('sh', ['-ec', script], { cwd: staging.tree })
  return staging
}

async function move(
  staging: StagingFolder,
  options: { overwrite?: boolean; chosen?: string[]; meanwhile?: () => Promise<void> } = {},
): Promise<unknown> {
  const { overwrite = true, chosen = [], meanwhile } = options
  try {
    return await staging.moveIn(async (of): Promise<MovedIn> => {
      await meanwhile?.()
      return await moveIn(of, { overwrite, chosen: path => chosen.includes(path) })
    })
  } catch (error) {
    await staging.discard()
    throw error
  }
}

async function tree(): Promise<string[]> {
  const { stdout } = await run('find', ['.', '-mindepth', '1', '-printf', '%P %y<%l>\n'], { cwd: target })
  return stdout.trim().split('\n').sort()
}

describe('files of a part', () => {
  it('come beside what is there, and over it only where it is replaced', async () => {
    const staging = await staged('mkdir -p a/new; echo new >a/both; echo x >a/new/x; ln -s both a/link')
    expect(await move(staging)).toEqual({})
    expect(await tree()).toEqual([
      'a d<>',
      'a/both f<>',
      'a/link l<both>',
      'a/new d<>',
      'a/new/x f<>',
      'a/old f<>',
    ])
    expect(await readFile(join(target, 'a', 'both'), 'utf8')).toBe('new\n')
    expect(await readFile(join(target, 'a', 'old'), 'utf8')).toBe('old')
  })

  it('give a folder that is there their mode and time only if it was chosen itself', async () => {
    await chmod(join(target, 'a'), 0o700)
    await move(await staged('mkdir a; echo 1 >a/1; chmod 2751 a; touch -d 2020-01-02T03:04:05Z a'))
    expect((await lstat(join(target, 'a'))).mode & 0o7777).toBe(0o700)
    const chosen = ['a']
    await move(await staged('mkdir a; echo 2 >a/2; chmod 2751 a; touch -d 2020-01-02T03:04:05Z a'), {
      chosen,
    })
    const { mode, mtime } = await lstat(join(target, 'a'))
    expect([mode & 0o7777, mtime.toISOString()]).toEqual([0o2751, '2020-01-02T03:04:05.000Z'])
  })

  it('stay out as a whole when one of them cannot come, and the old ones are back', async () => {
    const before = await tree()
    // The names are moved in any order: several attempts make it likely that others were moved before.
    for (let attempt = 0; attempt < 5; attempt++) {
      const names = Array.from({ length: 20 }, (_, number) => `a/n${attempt}-${number}`).join(' ')
      const staging = await staged(
        `mkdir -p a/dir new; touch ${names} new/x; echo new >a/both; echo x >a/clash`,
      )
      const meanwhile = async (): Promise<void> => {
        await mkdir(join(target, 'a', 'clash'))
      }
      await expect(move(staging, { meanwhile })).rejects.toMatchObject({ code: 'SWAP' })
      await rm(join(target, 'a', 'clash'), { recursive: true })
      expect(await tree()).toEqual(before)
      expect(await readFile(join(target, 'a', 'both'), 'utf8')).toBe('old')
    }
  })

  it('replace nothing that appears meanwhile unless told to', async () => {
    const staging = await staged('mkdir a; echo new >a/fresh')
    const meanwhile = (): Promise<void> => writeFile(join(target, 'a', 'fresh'), 'theirs')
    await expect(move(staging, { overwrite: false, meanwhile })).rejects.toMatchObject({ code: 'SWAP' })
    expect(await readFile(join(target, 'a', 'fresh'), 'utf8')).toBe('theirs')
    expect((await readdir(target)).sort()).toEqual(['a'])
  })

  it('never go through a link, also one that takes the place of a folder meanwhile', async () => {
    const staging = await staged('mkdir a; echo attack >a/precious')
    const meanwhile = async (): Promise<void> => {
      await rm(join(target, 'a'), { recursive: true })
      await symlink(outside, join(target, 'a'))
    }
    await expect(move(staging, { meanwhile })).rejects.toMatchObject({ code: 'SWAP' })
    expect(await readdir(target)).toEqual(['a'])
  })

  it('take the place of a link or a second name, and leave what it leads to alone', async () => {
    await symlink(join(outside, 'precious'), join(target, 'a', 'soft'))
    await link(join(outside, 'precious'), join(target, 'a', 'hard'))
    await move(await staged('mkdir a; echo new >a/soft; echo new >a/hard'))
    for (const name of ['soft', 'hard']) expect(await readFile(join(target, 'a', name), 'utf8')).toBe('new\n')
  })

  it('can be links over files, and folders that nobody may write in', async () => {
    const staging = await staged(
      'mkdir -p a ro/in; ln -s elsewhere a/both; echo x >ro/in/x; chmod 555 ro/in ro',
    )
    await move(staging)
    expect(await readlink(join(target, 'a', 'both'))).toBe('elsewhere')
    expect((await lstat(join(target, 'ro'))).mode & 0o777).toBe(0o555)
    await chmod(join(target, 'ro'), 0o755)
    await chmod(join(target, 'ro', 'in'), 0o755)
  })
})

describe('the places of a part', () => {
  const member = (path: string, kind: 'file' | 'directory' = 'file') => ({ path, kind, size: 1, offset: 0 })
  const inspect = (overwrite: boolean, ...members: ReturnType<typeof member>[]) =>
    inspectPlaces(target, members, { overwrite, sizeBytes: 1, keep: [join(target, 'state')] })

  it('are counted where a file is replaced, and refused without a word for it', async () => {
    const members = [member('a', 'directory'), member('a/both'), member('a/new'), member('b/c')]
    expect((await inspect(true, ...members)).replaces).toBe(1)
    await expect(inspect(false, ...members)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('a/both'),
    })
    expect((await inspect(false, ...members.filter(({ path }) => path !== 'a/both'))).replaces).toBe(0)
  })

  it('are refused where a folder and a file would meet, and behind a link', async () => {
    await symlink(outside, join(target, 'out'))
    for (const one of [member('a'), member('a/old', 'directory'), member('out/precious'), member('a/old/x')])
      await expect(inspect(true, one)).rejects.toMatchObject({ code: 'USAGE' })
    expect((await inspect(true, member('out'))).replaces).toBe(1)
  })

  it('are refused where this program keeps its own files', async () => {
    await expect(inspect(true, member('state/key'))).rejects.toMatchObject({ code: 'USAGE' })
    await expect(inspect(true, member('statement'))).resolves.toMatchObject({ replaces: 0 })
  })
})

describe('what a killed restore of a part leaves', () => {
  it('is removed by the next one, with the second names of replaced files', async () => {
    const partial = join(target, '.part.telegram-backup-0123abcd.partial')
    await mkdir(partial, { mode: 0o700 })
    await writeFile(join(partial, 'owner'), '1 0')
    for (const name of ['tree', 'replaced']) await mkdir(join(partial, name))
    await link(join(target, 'a', 'old'), join(partial, 'replaced', '0'))
    await move(await staged('touch x'))
    expect((await readdir(target)).sort()).toEqual(['a', 'x'])
    expect(await readFile(join(target, 'a', 'old'), 'utf8')).toBe('old')
  })
})
