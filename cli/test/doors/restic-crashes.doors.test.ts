import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ServeProcess } from '@telegram-backup/test-support/serve-process.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type DoorsWorld, openDoorsWorld } from '#test/doors/doors-world.ts'
import { type Restic, resticAt } from '#test/doors/restic-program.ts'
import { assertInstalled } from '#test/doors/restic-suite.ts'

let world: DoorsWorld
let serve: ServeProcess
let address: string
let restic: Restic
beforeAll(async () => {
  await assertInstalled()
  world = await openDoorsWorld({ rates: 'telegram' })
  serve = await world.serve()
  address = await (await world.bucket('shared'))()
  restic = resticAt(address, world)
  await restic.run(['init'])
})
afterAll(() => world?.close())

/** A folder of files that do not compress. */
async function folderOf(name: string, mebibytes: number): Promise<string> {
  const folder = join(world.folder, name)
  await mkdir(folder)
  for (let count = 0; count < mebibytes; count++)
    await writeFile(join(folder, `${count}.bin`), randomBytes(2 ** 20))
  return folder
}

/** The newest snapshot of the folder has what is in it, to the last byte, and nothing in the bucket is damaged. */
async function expectWhole(folder: string): Promise<void> {
  expect(await restic.run(['check', '--read-data'])).toContain('no errors were found')
  const target = join(world.folder, 'restored')
  await restic.run(['restore', 'latest', '--path', folder, '--target', target])
  const { stdout } = await promisify(execFile)('diff', ['-r', folder, join(target, folder)])
  expect(stdout).toBe('')
  await rm(target, { recursive: true })
}

async function untilSent(packs: number): Promise<void> {
  await vi.waitFor(() => expect(world.packs().sent).toBeGreaterThanOrEqual(packs), {
    interval: 20,
    timeout: 60_000,
  })
}

it('two clients use one bucket at once, each with a key of its own', async () => {
  const folders = [await folderOf('one', 24), await folderOf('two', 24)]
  const other = resticAt(address, { folder: world.folder, client: 'other' })
  await Promise.all([restic.run(['backup', `${folders[0]}`]), other.run(['backup', `${folders[1]}`])])
  for (const folder of folders) await expectWhole(folder)
})

it('a client that is killed in the middle leaves nothing that its next backup minds', async () => {
  const folder = await folderOf('killed-client', 64)
  const before = world.packs().sent
  const backup = restic.start(['backup', folder])
  const ended = new Promise(resolve => backup.once('close', resolve))
  await untilSent(before + 1)
  backup.kill('SIGKILL')
  await ended
  await restic.run(['unlock'])
  await restic.run(['backup', folder])
  await expectWhole(folder)
})

it('serve that is killed in the middle loses nothing that it has answered, and the client goes on', async () => {
  const folder = await folderOf('killed-serve', 64)
  const before = world.packs().sent
  const backup = restic.run(['backup', folder])
  await untilSent(before + 1)
  await serve.end('SIGKILL')
  serve = await world.serve()
  await backup
  await expectWhole(folder)
})
