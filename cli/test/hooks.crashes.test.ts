import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getJob, migrate, openDatabase } from '@telegram-backup/database'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import { openChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault } from '@telegram-backup/test-support/vault.ts'
import { expect, test } from 'vitest'

test('after a kill of serve, the next attempt of the job runs after before it runs before', async () => {
  const vault = await openTestVault()
  const { env } = await openChat(vault)
  const [trace, file] = [join(vault.folder, 'trace'), join(vault.folder, 'data')]
  await writeFile(file, randomBytes(200_000))
  const hook = (words: string): string => `["/bin/sh", "-c", "echo ${words} >> ${trace}"]`
  const TELEGRAM_BACKUP_CONFIG = join(vault.folder, 'telegram-backup.yaml')
  const source = `{ project: p, type: storage, file: ${file}, limit_rate: 50k, before: ${hook('before')}, after: ${hook('after $TELEGRAM_BACKUP_STATE $TELEGRAM_BACKUP_ERROR_CODE')} }`
  await writeFile(TELEGRAM_BACKUP_CONFIG, `sources:\n  frozen: ${source}\n`, { mode: 0o600 })
  const database = await openDatabase({ dataDir: env['TELEGRAM_BACKUP_HOME'] ?? '' })
  await migrate(database)
  const queue = await openJobQueue(database, { tends: false })
  const traced = async (): Promise<string[]> =>
    (await readFile(trace, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  const first = startServe({ ...env, TELEGRAM_BACKUP_CONFIG })
  let second: ReturnType<typeof startServe> | undefined
  try {
    await first.ready
    const { job } = await queue.submit({ kind: 'backup', source: 'frozen', projectId: 'p' })
    await expect.poll(traced, { timeout: 20_000 }).toEqual(['before'])
    await first.end('SIGKILL')
    expect(await traced()).toEqual(['before'])
    second = startServe({ ...env, TELEGRAM_BACKUP_CONFIG })
    const state = async () => (await getJob(database, job.id))?.state
    await expect.poll(state, { timeout: 90_000, interval: 300 }).toBe('done')
    expect(await traced()).toEqual(['before', 'after failed INTERRUPTED', 'before', 'after complete'])
  } finally {
    for (const serve of [first, second]) await serve?.end('SIGKILL')
    await queue.stop()
    await database.close()
    await vault.close()
  }
}, 150_000)
