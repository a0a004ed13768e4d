import { type ChildProcess, execFile } from 'node:child_process'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  attack,
  ended,
  OTHER_USER,
  openSharedPlace,
  type SharedPlace,
} from '@telegram-backup/test-support/shared-place.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StagingFolder } from '#directory/unpack/staging-folder.ts'
import { inspectFolder } from '#directory/unpack/target-folder.ts'

const NAME = '.www.telegram-backup-0123abcd.partial'

const run = promisify(execFile)

let place: SharedPlace
let shared: string
let target: string
let precious: string
let asOther: SharedPlace['asOther']

beforeEach(async () => {
  place = await openSharedPlace()
  ;({ shared, precious, asOther } = place)
  target = join(shared, 'www')
})

afterEach(() => place.close())

async function restore(): Promise<{ foreign: string[] }> {
  const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
  const staging = await StagingFolder.create(folder)
  await writeFile(join(staging.tree, 'new'), 'new')
  await staging.swapIn()
  return folder
}

const assertPrecious = async (): Promise<void> => {
  expect(await readdir(precious)).toEqual(['key'])
  expect(await readFile(join(precious, 'key'), 'utf8')).toBe('precious')
}

// Only root can play two users.
describe.skipIf(process.getuid?.() !== 0)(
  'in a folder that others may write to, a restore leaves alone',
  () => {
    it.each([
      ['a folder', `mkdir -m 700 ${NAME}; mkdir ${NAME}/tree; echo '1 0' > ${NAME}/owner`],
      ['a folder without a mark', `mkdir -m 700 ${NAME}; echo x > ${NAME}/mine`],
      ['a FIFO', `mkfifo ${NAME}`],
      ['a link', `ln -s ../precious ${NAME}`],
      ['a file', `echo x > ${NAME}`],
      ['a folder with a FIFO for a mark', `mkdir -m 777 ${NAME}; mkfifo ${NAME}/owner`],
    ])('%s of another user that has the name of a leftover, and names it', async (_what, script) => {
      await asOther(script)
      await utimes(join(shared, NAME), 1, 1).catch(() => {})
      const before = await run('find', [shared, '-printf', '%P %y %U %m %l\n'])
      const { foreign } = await restore()
      await rm(target, { recursive: true })
      expect(await run('find', [shared, '-printf', '%P %y %U %m %l\n'])).toEqual(before)
      expect(foreign).toEqual([NAME])
      await assertPrecious()
    })

    it('its own folder that another user gave the name of a leftover', async () => {
      await mkdir(join(shared, 'mine'), { mode: 0o700 })
      await writeFile(join(shared, 'mine', 'thesis'), 'x')
      await utimes(join(shared, 'mine'), 1, 1)
      await asOther(`mv mine ${NAME}`)
      const { foreign } = await restore()
      expect(await readdir(join(shared, NAME))).toEqual(['thesis'])
      expect(foreign).toEqual([NAME])
    })

    it.each([
      ['that holds a file with the name of the mark', 'somebody', 'notes'],
      ['that holds what reads as a mark, and something else', '1 0', 'notes'],
      ['that holds nothing but a file with the name of the mark', 'somebody', 'tree'],
    ])(
      'its own folder %s, and that another user gave the name of a leftover',
      async (_which, owner, name) => {
        const own = join(shared, 'own')
        await mkdir(own, { mode: 0o700 })
        await writeFile(join(own, 'owner'), owner)
        await writeFile(join(own, name), 'precious')
        await asOther(`mv own ${NAME}`)
        expect(await restore()).toMatchObject({ foreign: [NAME] })
        expect(await readFile(join(shared, NAME, name), 'utf8')).toBe('precious')
      },
    )

    it('its own folder with the mark of a restore that others may write to', async () => {
      await mkdir(join(shared, NAME, 'tree'), { recursive: true })
      await writeFile(join(shared, NAME, 'owner'), '1 0')
      await chmod(join(shared, NAME), 0o770)
      const { foreign } = await restore()
      expect(await readdir(join(shared, NAME))).toEqual(['owner', 'tree'])
      expect(foreign).toEqual([NAME])
    })

    it('what is planted in the place of its folder while it writes', async () => {
      const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
      const staging = await StagingFolder.create(folder)
      await asOther(`
      name=$(echo .www.*.partial)
      mv $name away
      mkdir -m 777 $name
      ln -s ../../precious $name/tree
      ln -s ../../precious $name/old
    `)
      await writeFile(join(staging.tree, 'new'), 'new')
      await staging.swapIn()
      expect(await readdir(target)).toEqual(['new'])
      await assertPrecious()
      const planted = (await readdir(shared)).find(name => name.endsWith('.partial')) ?? ''
      expect((await readdir(join(shared, planted))).sort()).toEqual(['old', 'tree'])
    })

    it('what is planted in the place of its folder when it gives up', async () => {
      const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
      const staging = await StagingFolder.create(folder)
      await writeFile(join(staging.tree, 'secret'), 'plain text of a backup')
      await asOther('name=$(echo .www.*.partial); mv $name away; mkdir $name; echo x > $name/mine')
      await staging.discard()
      const planted = (await readdir(shared)).find(name => name.endsWith('.partial')) ?? ''
      expect(await readdir(join(shared, planted))).toEqual(['mine'])
      expect(await readdir(join(shared, 'away'))).toEqual([])
    })

    it('a directory of somebody else that takes the place of the one to be replaced', async () => {
      await mkdir(target)
      await writeFile(join(target, 'old'), 'old')
      await mkdir(join(shared, 'victim'))
      await writeFile(join(shared, 'victim', 'letters'), 'letters')
      await chown(join(shared, 'victim'), 1234, 1234)
      const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
      const staging = await StagingFolder.create(folder)
      await asOther('mv www old-www; mv victim www')
      await expect(staging.swapIn()).rejects.toThrow('Somebody replaced')
      await staging.discard()
      expect(await readdir(target)).toEqual(['letters'])
      expect((await readdir(shared)).sort()).toEqual(['old-www', 'www'])
    })

    it('a file of another user that takes the place of a new directory', async () => {
      const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
      const staging = await StagingFolder.create(folder)
      await asOther('mkdir www')
      await expect(staging.swapIn()).rejects.toThrow('Somebody replaced')
      await staging.discard()
      expect((await lstat(target)).uid).toBe(OTHER_USER)
      expect(await readdir(shared)).toEqual(['www'])
    })

    it('what another user’s link above the target leads to', async () => {
      await asOther('ln -s ../precious sub')
      target = join(shared, 'sub', 'www')
      await expect(restore()).rejects.toThrow('link of another user')
      await assertPrecious()
    })

    it('what a folder above the target is exchanged for after the look at it', async () => {
      await asOther('mkdir -p sub/deep; chmod 777 sub sub/deep')
      await mkdir(join(precious, 'deep'))
      target = join(shared, 'sub', 'deep', 'www')
      const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
      // The very folder that was looked at, in another place.
      await rename(join(shared, 'sub', 'deep'), join(precious, 'deep'))
      await asOther('rmdir sub; ln -s ../precious sub')
      await expect(StagingFolder.create(folder)).rejects.toMatchObject({ code: 'SWAP' })
      expect(await readdir(join(precious, 'deep'))).toEqual([])
      await rm(join(precious, 'deep'), { recursive: true })
      await assertPrecious()
    })

    it('what another user’s link leads to', async () => {
      await asOther('ln -s ../precious www')
      await expect(restore()).rejects.toThrow('link of another user')
      await assertPrecious()
    })

    it('the place, when it was exchanged as a whole since it was looked at', async () => {
      const folder = await inspectFolder(target, { overwrite: true, sizeBytes: 1 })
      await rename(shared, `${shared}-away`)
      await symlink(precious, shared)
      await expect(StagingFolder.create(folder)).rejects.toThrow()
      await assertPrecious()
      await rm(shared)
      await mkdir(shared)
      await expect(StagingFolder.create(folder)).rejects.toThrow('Somebody replaced')
      expect(await readdir(shared)).toEqual([])
    })

    it('what links lead to that another user exchanges for folders in the old directory while it goes', async () => {
      for (let round = 0; round < 10; round++) {
        // Wide, so that it takes a while; the other user stands in the middle of it.
        await asOther(`
        mkdir -p www/in/room
        for one in 1 2 3 4 5 6 7 8 9; do mkdir www/in/room/$one; touch www/in/room/$one/1 www/in/room/$one/2; done
      `)
        const attacker = await exchanging(join(target, 'in', 'room'))
        await restore()
        attacker.kill('SIGKILL')
        await ended(attacker)
        await assertPrecious()
        await rm(target, { recursive: true })
        for (const name of await readdir(shared)) await rm(join(shared, name), { recursive: true })
      }
    }, 60_000)

    it('what links lead to that another user exchanges for its own folder, from the first moment', async () => {
      const attacker = await attack(
        `
      const { readdirSync, renameSync, symlinkSync, writeSync } = require('node:fs')
      for (let count = 0; count < 5; ) {
        for (const name of readdirSync('.').filter(name => name.endsWith('.partial'))) {
          try {
            renameSync(name, 'away-' + process.pid + '-' + Math.random())
            symlinkSync('../precious', name)
            count++
          } catch {}
        }
      }
    `,
        shared,
      )
      let isOver = false
      const over = ended(attacker).then(() => {
        isOver = true
      })
      while (!isOver) {
        await restore().catch(() => {})
        await assertPrecious()
      }
      await over
      await assertPrecious()
    }, 60_000)
  },
)

describe('removing an old directory', () => {
  it('works at any depth and with names of any bytes', async () => {
    const folder = join(shared, 'www')
    await run(
      'sh',
      ['-ec', 'mkdir www; cd www; i=0; while [ $i -lt 300 ]; do mkdir d; cd -P d; i=$((i+1)); done'],
      {
        cwd: shared,
      },
    )
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a])]), 'x')
    await restore()
    expect(await readdir(target)).toEqual(['new'])
    expect(await readdir(shared)).toEqual(['www'])
  })
})

/** Somebody who exchanges folders for links where it stands, wherever that is by now. */
async function exchanging(folder: string): Promise<ChildProcess> {
  return await attack(
    `
      const { readdirSync, renameSync, symlinkSync, unlinkSync } = require('node:fs')
      for (;;) {
        for (const name of ['1', '2', '3', '4', '5', '6', '7', '8', '9']) {
          try {
            renameSync(name, name + '-away')
            symlinkSync('${precious}', name)
            unlinkSync(name)
            renameSync(name + '-away', name)
          } catch {}
        }
      }
    `,
    folder,
  )
}
