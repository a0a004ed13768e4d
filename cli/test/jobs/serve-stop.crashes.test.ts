import { setTimeout as sleep } from 'node:timers/promises'
import { migrate, openDatabase } from '@telegram-backup/database'
import { writeSources } from '@telegram-backup/test-support/jobs-world.ts'
import { startServe } from '@telegram-backup/test-support/serve-process.ts'
import { openChat } from '@telegram-backup/test-support/test-chat.ts'
import { openTestVault } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import { expect, test } from 'vitest'

test('serve ends 20 seconds after its grace although the catalog hangs, and says so', async () => {
  const vault = await openTestVault()
  const { env } = await openChat(vault)
  const database = await openDatabase({ dataDir: env['TELEGRAM_BACKUP_HOME'] ?? '' })
  await migrate(database)
  const TELEGRAM_BACKUP_CONFIG = await writeSources(vault.folder)
  const serve = startServe({ ...env, TELEGRAM_BACKUP_CONFIG }, ['--grace', '1s'])
  try {
    await serve.ready
    await database.kysely.transaction().execute(async trx => {
      // Or the server would take the lock away from whoever holds it and says nothing for a minute.
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx)
      await sql`lock table control_plane.jobs in access exclusive mode`.execute(trx)
      const waiting = sql`select from pg_locks where relation = 'control_plane.jobs'::regclass and not granted`
      while ((await waiting.execute(database.kysely)).rows.length === 0) await sleep(50)
      const sinceMs = performance.now()
      expect(await serve.end('SIGTERM')).toBe(1)
      expect(performance.now() - sinceMs).toBeGreaterThan(20_000)
    })
    expect(serve.log()).toContain('the command did not stop in time')
  } finally {
    await serve.end('SIGKILL')
    await database.close()
    await vault.close()
  }
})
