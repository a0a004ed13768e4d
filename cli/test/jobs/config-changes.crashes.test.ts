import { readFile, rename, writeFile } from 'node:fs/promises'
import { createJob, getJob } from '@telegram-backup/database'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { untilJob, writeSources } from '@telegram-backup/test-support/jobs-world.ts'
import { startListener } from '@telegram-backup/test-support/listener.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vault: TestVault
let database: TestCatalog
let path: string
let serve: ServeProcess
let text: string

beforeAll(async () => {
  vault = await openTestVault()
  path = await writeSources(vault.folder)
  text = await readFile(path, 'utf8')
  database = await openTestCatalog()
  const env = { ...(await cliEnvironment(vault)), ...database.env, TELEGRAM_BACKUP_CONFIG: path }
  serve = startServe(env)
  await serve.ready
})
afterAll(async () => {
  await serve?.end('SIGTERM')
  await database.discard()
  await vault.close()
})

const submit = async (source: string): Promise<string> => {
  const queue = await openJobQueue(database, { tends: false })
  const { job } = await queue.submit({ kind: 'backup', projectId: 'alpha', source })
  await queue.stop()
  return job.id
}
/** In one step: what is half written for a moment could be taken for a change of its own. */
const write = async (words: string): Promise<void> => {
  await writeFile(`${path}~`, words, { mode: 0o600 })
  await rename(`${path}~`, path)
}
const withSource = (name: string): string =>
  text.replace('sources:\n', `sources:\n  ${name}: { project: alpha, type: storage, file: ${path} }\n`)

test('a source that is written into the file is backed up without a restart', async () => {
  const job = await submit('added')
  await write(withSource('added'))
  expect(await untilJob(database, job, ['done', 'failed'])).toMatchObject({ state: 'done', error: null })
  await expect.poll(serve.log).toContain('"new_sources":["added"]')
})

test('who is told may be changed as well, and hears that the file cannot be used', async () => {
  const listener = await startListener()
  await write(`${text}notifications: { chat: false, webhook: "${listener.url}" }\n`)
  const changes = (): number => serve.log().split('the configuration file was changed').length - 1
  await expect.poll(changes).toBe(2)
  await write(`${text}nonsense: 1\n`)
  const told = (): (string | undefined)[] =>
    listener.notices().flatMap(({ kind, text: words }) => (kind === 'config_unusable' ? [words] : []))
  await expect.poll(told).toEqual([expect.stringContaining('nonsense')])
  await write(text)
  await listener.close()
})

test('a broken file keeps the sources that it named before', async () => {
  await write('sources: [')
  const job = await submit('alpha')
  expect(await untilJob(database, job, ['done', 'failed'])).toMatchObject({ state: 'done' })
  await expect.poll(serve.log).toContain('the configuration file cannot be used')
})

test('SIGHUP has the file read again at once, and ends nothing', async () => {
  const msUntilInUse = async (name: string, hurry = () => {}): Promise<number> => {
    const since = performance.now()
    await write(withSource(name))
    hurry()
    await expect.poll(serve.log).toContain(`"new_sources":["${name}"]`)
    return performance.now() - since
  }
  // It is looked at every five seconds anyway. Right after such a look nothing but the signal is quick; a
  // busy machine may need several tries.
  let quickest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 12 && quickest > 2_500; round++) {
    await msUntilInUse(`looked-${round}`)
    quickest = Math.min(quickest, await msUntilInUse(`hung-${round}`, () => serve.child.kill('SIGHUP')))
  }
  expect(quickest).toBeLessThan(2_500)
  const { job } = await createJob(database, { kind: 'expire' }, async () => {})
  expect(await getJob(database, job.id)).not.toBeNull()
  expect(serve.child.exitCode).toBeNull()
})
