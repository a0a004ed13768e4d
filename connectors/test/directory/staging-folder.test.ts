import { execFile } from 'node:child_process'
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StagingFolder } from '#directory/unpack/staging-folder.ts'
import { inspectFolder, type TargetFolder } from '#directory/unpack/target-folder.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

let parent: string
let path: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'staging-'))
  path = join(parent, 'www')
  await mkdir(path)
  await writeFile(join(path, 'precious'), 'old')
})

afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

const target = (): Promise<TargetFolder> => inspectFolder(path, { overwrite: true, sizeBytes: 1 })

async function restored(): Promise<StagingFolder> {
  const staging = await StagingFolder.create(await target())
  await writeFile(join(staging.tree, 'new'), 'new')
  return staging
}

/** What a restore leaves that was killed: by a process that is no more. */
async function leftover(contents: readonly string[]): Promise<string> {
  const partial = join(parent, '.www.telegram-backup-0123abcd.partial')
  await mkdir(partial, { mode: 0o700 })
  await writeFile(join(partial, 'owner'), '1 0')
  for (const name of contents) {
    await mkdir(join(partial, name))
    await writeFile(join(partial, name, 'precious'), name)
  }
  return partial
}

describe('a swap', () => {
  it('puts the new directory where the old one was, and leaves nothing else', async () => {
    expect(await (await restored()).swapIn()).toEqual({})
    expect(await readdir(path)).toEqual(['new'])
    expect(await readdir(parent)).toEqual(['www'])
  })

  it('that finds the new directory gone puts the old one back', async () => {
    const staging = await restored()
    await rm(staging.tree, { recursive: true })
    await expect(staging.swapIn()).rejects.toThrow('ENOENT')
    await staging.discard()
    expect(await readdir(path)).toEqual(['precious'])
    expect(await readdir(parent)).toEqual(['www'])
  })

  it('between whose two steps something else takes the place never deletes the old directory', async () => {
    const isThere = (): Promise<boolean> =>
      access(join(path, 'precious')).then(
        () => true,
        () => false,
      )
    let wasQuick = false
    // Whoever looks may miss the moment: the old directory is back by then, and another swap is looked at.
    for (let swaps = 0; swaps < 100 && !wasQuick; swaps++) {
      const staging = await StagingFolder.create(await target())
      await rm(staging.tree, { recursive: true })
      let isOver = false
      const swap = staging.swapIn().catch(() => {
        isOver = true
      })
      // A daemon that writes as soon as its folder is gone: here it is quicker than any rename.
      while (!isOver && !wasQuick) {
        wasQuick = !(await isThere())
        await tick()
      }
      await mkdir(path, { recursive: true })
      await writeFile(join(path, 'pid'), '').catch(() => {})
      await swap
      await staging.discard()
      const everywhere = (await readdir(parent, { recursive: true })).filter(name =>
        name.endsWith('precious'),
      )
      expect(everywhere).toHaveLength(1)
    }
    expect(wasQuick).toBe(true)
    // Without a mark, no later restore takes it for a leftover that may go.
    const kept = (await readdir(parent)).filter(name => name.endsWith('.partial'))
    for (const name of kept) expect(await readdir(join(parent, name))).toEqual(['old'])
    expect(kept).toHaveLength((await readdir(path)).includes('precious') ? 0 : 1)
  })
})

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('what a restore that was killed left', () => {
  it('before the swap is cleared away', async () => {
    await leftover(['tree'])
    await (await restored()).discard()
    expect(await readdir(parent)).toEqual(['www'])
    expect(await readFile(join(path, 'precious'), 'utf8')).toBe('old')
  })

  it('after the swap is cleared away', async () => {
    await leftover(['old'])
    await (await restored()).discard()
    expect(await readdir(parent)).toEqual(['www'])
  })

  it('between the two steps of the swap is put back, and nothing else is done', async () => {
    await leftover(['tree', 'old'])
    await rm(path, { recursive: true })
    await expect(restored()).rejects.toThrow('was moved back')
    expect(await readFile(join(path, 'precious'), 'utf8')).toBe('old')
    expect(await readdir(parent)).toEqual(['www'])
  })

  it('is kept and named when something else has taken its place, be it an empty directory', async () => {
    const partial = await leftover(['tree', 'old'])
    await rm(join(path, 'precious'))
    await expect(restored()).rejects.toThrow(join(partial, 'old'))
    expect(await readFile(join(partial, 'old', 'precious'), 'utf8')).toBe('old')
  })

  it('is told from a restore that runs, also when a later process has its pid', async () => {
    const partial = await leftover(['tree'])
    const running = await restored()
    const own = (await readdir(parent)).filter(name => name.endsWith('.partial'))
    expect(own).toHaveLength(1)
    await leftover(['tree'])
    await writeFile(join(partial, 'owner'), `${process.pid} 0`)
    await (await restored()).discard()
    expect((await readdir(parent)).filter(name => name.endsWith('.partial'))).toEqual(own)
    await running.discard()
  })
})

describe('a target', () => {
  it('of a user who is not root goes with the folders in it that are closed to their owner', async () => {
    await mkdir(join(path, 'closed', 'below'), { recursive: true })
    await writeFile(join(path, 'closed', 'file'), 'x')
    await mkdir(join(path, 'none'), { mode: 0 })
    await chmod(join(path, 'closed', 'below'), 0o500)
    await chmod(join(path, 'closed'), 0o500)
    if (isRoot) await run('chown', ['-R', '65534:65534', parent])
    const script = `
      import { StagingFolder } from '#directory/unpack/staging-folder.ts'
      import { inspectFolder } from '#directory/unpack/target-folder.ts'
      const staging = await StagingFolder.create(await inspectFolder(process.env.TARGET, { overwrite: true, sizeBytes: 1 }))
      console.log(JSON.stringify(await staging.swapIn()))
    `
    const command = [process.execPath, '--input-type=module', '--eval', script]
    const other = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const [program = '', ...args] = isRoot ? [...other, ...command] : command
    const { stdout } = await run(program, args, {
      cwd: new URL('.', import.meta.resolve('#connector.ts')),
      env: { TARGET: path, PATH: process.env['PATH'] },
    })
    expect(JSON.parse(stdout)).toEqual({})
    expect(await readdir(parent)).toEqual(['www'])
    expect(await readdir(path)).toEqual([])
  })

  it('on which a folder of the same disk is mounted is refused before anything is done, as is one that holds such a folder', async context => {
    const [other, place] = [join(parent, 'other'), join(parent, 'a place')]
    await mkdir(other)
    await mkdir(join(place, 'below'), { recursive: true })
    for (const mounted of [place, join(place, 'below')]) {
      const isMounted = await run('mount', ['--bind', other, mounted]).then(
        () => true,
        () => false,
      )
      // Only root may, and not in every container.
      if (!isMounted) return context.skip()
      try {
        await expect(inspectFolder(place, { overwrite: true, sizeBytes: 1 })).rejects.toMatchObject({
          code: 'USAGE',
        })
      } finally {
        await run('umount', [mounted])
      }
    }
    expect(await inspectFolder(place, { overwrite: true, sizeBytes: 1 })).toMatchObject({ state: 'full' })
  })
})

it('of a killed restore that cannot be removed keeps nobody from restoring', async () => {
  const partial = await leftover(['old'])
  const mounted = join(partial, 'old', 'below')
  await mkdir(mounted)
  const isMounted = await run('mount', ['--bind', parent, mounted]).then(
    () => true,
    () => false,
  )
  try {
    expect(await (await restored()).swapIn()).toEqual({})
    expect(await readdir(path)).toEqual(['new'])
  } finally {
    if (isMounted) await run('umount', [mounted])
  }
})
