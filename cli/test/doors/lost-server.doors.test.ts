import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { repositoryByHand } from '#test/doors/by-hand.ts'
import { changeHomeFolder, writeHomeFolder } from '#test/doors/home-folder.ts'
import { type Restic, resticAt } from '#test/doors/restic-program.ts'
import { assertInstalled } from '#test/doors/restic-suite.ts'

// The proof that matters: nothing is left but the chat, the token, the key file and restic's password, and
// every snapshot that restic was told is stored comes back as it was.

const run = promisify(execFile)
let vault: TestVault
let env: Record<string, string>
let source: string
const services: ServeProcess[] = []

beforeAll(assertInstalled)

beforeEach(async () => {
  vault = await openTestVault()
  // Packs as a user has them, and a catalog of its own, which can be lost.
  const { TELEGRAM_PART_SIZE: _, ...rest } = await cliEnvironment(vault)
  env = rest
  source = join(vault.folder, 'home-of-a-person')
})

afterEach(async () => {
  for (const service of services.splice(0)) await service.end('SIGKILL')
  await vault.close()
})

async function ask<Answer>(of: Record<string, string>, ...args: string[]): Promise<Answer> {
  const { code, stderr, json } = await runCli([...args, '--json'], { env: of })
  expect(code, stderr).toBe(0)
  return json() as Answer
}

/** `serve`, and restic with a new key of its door. */
async function openDoor(
  of: Record<string, string>,
  name: string,
): Promise<{ service: ServeProcess; restic: Restic }> {
  const create = ['doorkey', 'create', '--bucket', 'laptop', '--scope', 'full']
  const { user, key } = await ask<{ user: string; key: string }>(of, ...create)
  const service = startServe(of)
  services.push(service)
  await service.ready
  const [, host = ''] = /http:\/\/([\d.]+:\d+)/.exec(service.log()) ?? []
  const restic = resticAt(`rest:http://${user}:${key}@${host}/restic/laptop/`, {
    folder: vault.folder,
    client: name,
  })
  return { service, restic }
}

/**
 * Two snapshots that were answered, and a third that everything dies over: restic, `serve` and the server of
 * its catalog. Their folder is lost. Gives a copy of the source for each answered snapshot, oldest first.
 */
async function backUpAndLoseEverything(): Promise<string[]> {
  await writeHomeFolder(source, 48)
  await ask(env, 'bucket', 'create', 'laptop', '--kind', 'restic', '--project', 'shop')
  const { service, restic } = await openDoor(env, 'before')
  await restic.run(['init'])
  const copies: string[] = []
  for (const name of ['first', 'second']) {
    await restic.run(['backup', source])
    const copy = join(vault.folder, `copy-${name}`)
    await run('cp', ['-a', source, copy])
    copies.push(copy)
    await changeHomeFolder(source, 10)
  }
  await changeHomeFolder(source, 100)
  const sent = vault.messageIds().length
  const dying = restic.start(['backup', source])
  const died = once(dying, 'close')
  await expect.poll(() => vault.messageIds().length).toBeGreaterThan(sent)
  dying.kill('SIGKILL')
  await service.end('SIGKILL')
  await died
  const home = env['TELEGRAM_BACKUP_HOME'] ?? ''
  for await (const file of glob(join(home, '*', 'postmaster.pid')))
    process.kill(Number((await readFile(file, 'utf8')).split('\n')[0]), 'SIGKILL')
  await rm(home, { recursive: true })
  return copies
}

async function expectSnapshots(restic: Restic, copies: readonly string[]): Promise<void> {
  const snapshots = JSON.parse(await restic.run(['snapshots', '--json', '--no-lock'])) as { id: string }[]
  expect(snapshots).toHaveLength(copies.length)
  for (const [at, copy] of copies.entries()) {
    const target = join(vault.folder, `restored-${at}`)
    await restic.run(['restore', snapshots[at]?.id ?? '', '--target', target, '--no-lock'])
    await run('diff', ['-r', join(target, source), copy])
    await rm(target, { recursive: true })
  }
}

it('after the loss of the server and its catalog, recover brings the repository back whole', async () => {
  const copies = await backUpAndLoseEverything()
  const { BACKUP_AGE_RECIPIENTS: _, BACKUP_SIGNING_KEY_FILE: __, ...needed } = env
  const machine = { ...needed, TELEGRAM_BACKUP_HOME: join(vault.folder, 'new-machine') }
  const recovered = await runCli(['recover', '--json'], { env: machine })
  expect(recovered.code, recovered.stderr).toBe(0)
  const withRecipient = { ...machine, BACKUP_AGE_RECIPIENTS: vault.recipient }
  const { service, restic } = await openDoor(withRecipient, 'after')
  const checked = await restic.run(['check', '--read-data'])
  expect(checked).toContain('no errors were found')
  await expectSnapshots(restic, copies)
  // Work goes on where it stood.
  await restic.run(['backup', source])
  await restic.run(['forget', '--keep-last', '1', '--prune', '--max-unused', '20%'])
  expect(await restic.run(['check', '--read-data'])).toContain('no errors were found')
  expect(await service.end('SIGTERM')).toBe(0)
})

it('age, zstd and jq alone make a folder out of the messages that restic opens', async () => {
  const copies = await backUpAndLoseEverything()
  const folder = join(vault.folder, 'messages')
  await mkdir(folder)
  for (const { message_id: id, document } of vault.emulator.inspect.messages(vault.chatId)) {
    if (!document) continue
    const bytes = await vault.emulator.inspect.documentBytes(vault.chatId, id)
    await writeFile(join(folder, document.file_name), bytes)
  }
  await writeFile(join(folder, 'key.txt'), `${vault.identity}\n`)
  const repository = await repositoryByHand(folder, 'laptop')
  const restic = resticAt(repository, { folder: vault.folder, client: 'by-hand' })
  expect(await restic.run(['check', '--read-data', '--no-lock'])).toContain('no errors were found')
  await expectSnapshots(restic, copies)
})
