import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type DoorsWorld, openDoorsWorld } from '#test/doors/doors-world.ts'
import { changeFiles, type Restic, resticAt, writeFiles } from '#test/doors/restic-program.ts'
import { assertInstalled } from '#test/doors/restic-suite.ts'

/** How many more messages than the prototype of the door sent. */
const TOLERANCE = 1.2

let world: DoorsWorld
let keyOf: (scope?: string) => Promise<string>
let restic: Restic
let files: string
beforeAll(async () => {
  await assertInstalled()
  world = await openDoorsWorld({ rates: 'telegram' })
  files = join(world.folder, 'files')
  await writeFiles(files)
  await world.serve()
  keyOf = await world.bucket('laptop', ['--undelete', '0'])
  restic = resticAt(await keyOf(), world)
})
afterAll(() => world?.close())

/** How many messages with objects the work sent. */
async function messagesOf(work: () => Promise<unknown>): Promise<number> {
  const before = world.packs().sent
  await work()
  return world.packs().sent - before
}

async function same(one: string, other: string): Promise<void> {
  const { stdout } = await promisify(execFile)('diff', ['-r', one, other])
  expect(stdout).toBe('')
}

// One story in steps: each goes on where the one before ended.

it('init, a first backup, a changed one and one without changes take as many messages as they should', async () => {
  // By a relative path: the folders above have new times whenever a test writes beside the files.
  const backup = () => restic.run(['backup', '.'], { cwd: files })
  const sent = {
    init: await messagesOf(() => restic.run(['init'])),
    first: await messagesOf(backup),
    changed: await messagesOf(async () => {
      await changeFiles(files)
      await backup()
    }),
    unchanged: await messagesOf(backup),
  }
  expect(sent.init, JSON.stringify(sent)).toBeLessThanOrEqual(2 * TOLERANCE)
  expect(sent.first, JSON.stringify(sent)).toBeLessThanOrEqual(10 * TOLERANCE)
  expect(sent.changed, JSON.stringify(sent)).toBeLessThanOrEqual(4 * TOLERANCE)
  expect(sent.unchanged, JSON.stringify(sent)).toBeLessThanOrEqual(1 * TOLERANCE)
})

it('everything can be checked to the last byte, restored, mounted and copied away', async () => {
  expect(await restic.run(['check', '--read-data'])).toContain('no errors were found')
  const restored = join(world.folder, 'restored')
  await restic.run(['restore', 'latest', '--target', restored])
  await same(files, restored)
  await rm(restored, { recursive: true })
  const mounted = join(world.folder, 'mounted')
  await mkdir(mounted)
  const mount = restic.start(['mount', mounted])
  try {
    await vi.waitFor(() => expect(existsSync(join(mounted, 'snapshots', 'latest'))).toBe(true), {
      timeout: 60_000,
    })
    await same(join(files, 'notes'), join(mounted, 'snapshots', 'latest', 'notes'))
  } finally {
    const ended = new Promise(resolve => mount.once('close', resolve))
    mount.kill('SIGINT')
    await ended
  }
  const elsewhere = resticAt(join(world.folder, 'elsewhere'), { folder: world.folder, client: 'elsewhere' })
  await elsewhere.run(['init'])
  await elsewhere.run(['copy', '--from-repo', restic.env['RESTIC_REPOSITORY'] ?? ''])
  expect(await elsewhere.run(['check', '--read-data'])).toContain('no errors were found')
})

it('keys are added, locks are removed, and a key of the scope read or append does no more than it may', async () => {
  const passwords = join(world.folder, 'new-password')
  await promisify(execFile)('sh', ['-c', 'printf another > "$1"', 'sh', passwords])
  await restic.run(['key', 'add', '--new-password-file', passwords])
  expect(JSON.parse(await restic.run(['key', 'list', '--json']))).toHaveLength(2)
  await restic.run(['unlock', '--remove-all'])
  const reader = resticAt(await keyOf('read'), world)
  expect(await reader.run(['snapshots', '--no-lock'])).toContain('3 snapshots')
  expect(await reader.fails(['backup', files])).toContain('This key may only read')
  const adder = resticAt(await keyOf('append'), world)
  await adder.run(['backup', join(files, 'notes')])
  expect(await adder.run(['forget', 'latest'])).toContain('This key may not delete')
  expect(await restic.run(['snapshots'])).toContain('4 snapshots')
  const wrong = resticAt((await keyOf('full')).replace(/:[^:@]*@/, ':wrong@'), world)
  expect(await wrong.fails(['snapshots'])).toContain('401')
})

it('forget and prune take as many messages as they should, and erase the dead ones', async () => {
  const before = world.packs()
  await restic.run(['forget', '--keep-last', '1', '--group-by', '', '--prune'])
  const sent = world.packs().sent - before.sent
  expect(sent).toBeLessThanOrEqual(4 * TOLERANCE)
  await vi.waitFor(() => expect(world.packs().erased - before.erased).toBeGreaterThanOrEqual(2), {
    timeout: 200_000,
    interval: 1_000,
  })
  expect(await restic.run(['check', '--read-data'])).toContain('no errors were found')
})
