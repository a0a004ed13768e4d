import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let vault: TestVault
let env: Record<string, string>

beforeAll(async () => {
  vault = await openTestVault()
  const file = join(vault.folder, 'a.bin')
  await writeFile(file, randomBytes(10_000))
  const config = join(vault.folder, 'telegram-backup.yaml')
  await writeFile(config, `sources:\n  shop-files: { project: shop, type: storage, file: ${file} }\n`)
  env = { ...(await cliEnvironment(vault)), TELEGRAM_BACKUP_CONFIG: config }
})

afterAll(() => vault.close())

async function run(args: string[], where: Record<string, string> = env): Promise<CliRun> {
  const done = await callCli([...args, '--json'], { env: where })
  expect(done.code, done.stderr).toBe(0)
  return done
}

/** Without what only the machine itself can know. */
function told(list: unknown): unknown {
  return (list as Record<string, unknown>[]).map(({ next_run_at, last_job, ...schedule }) => schedule)
}

test('an empty machine goes on with schedules, policies and pins where the old one has stopped', async () => {
  const sent = await run(['send', '--project', 'shop', '--type', 'storage', '--source', 'shop-files'])
  const id = (sent.json() as IntegratedBackupResult).databaseRecord?.id ?? ''
  await run(['schedule', 'add', '--source', 'shop-files', '--cron', '33 5 * * *', '--keep-daily', '7'])
  await run(['retention', 'set', '--project', 'shop', '--type', 'storage', '--keep-last', '3'])
  await run(['pin', id])
  const messages = vault.messageIds()
  const { TELEGRAM_BACKUP_CONFIG: _, ...rest } = env
  const empty = { ...rest, TELEGRAM_BACKUP_HOME: join(vault.folder, 'new-home') }
  const recovered = await run(['recover'], empty)
  expect(recovered.json()).toMatchObject({
    schedules: [{ source: 'shop-files', cron: '33 5 * * *', enabled: true, outcome: 'added' }],
    retention: [{ project: 'shop', type: 'storage', outcome: 'added' }],
  })
  expect(recovered.stderr).toContain('telegram-backup.yaml names no source "shop-files"')
  for (const list of [
    ['schedule', 'list'],
    ['retention', 'list'],
  ]) {
    expect(told((await run(list, empty)).json())).toEqual(told((await run(list)).json()))
  }
  const shown = (await run(['show', id], empty)).json()
  expect(shown).toMatchObject({ source_name: 'shop-files', pinned_at: expect.any(String) })
  expect(vault.messageIds()).toEqual(messages)
  const again = await callCli(['recover'], {
    env: { ...empty, TELEGRAM_BACKUP_CONFIG: env['TELEGRAM_BACKUP_CONFIG'] ?? '' },
  })
  expect(again.code, again.stderr).toBe(0)
  expect(again.stdout).toMatch(/^schedule [0-9a-f]{8}: shop-files, "33 5 \* \* \*" UTC, on \(known\)$/m)
  expect(again.stderr).not.toContain('names no source')
})
