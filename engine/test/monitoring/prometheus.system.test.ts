import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createSchedule, type Database } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '#environment.ts'
import { createLogger } from '#logging.ts'
import { createMetrics } from '#monitoring/metrics.ts'

const RULES = fileURLToPath(new URL('../deploy/prometheus/', import.meta.resolve('#package.json')))
const PROMTOOL: string = 'promtool'
const run = promisify(execFile)
let database: Database & { discard(): Promise<void> }

beforeAll(async () => {
  await run(PROMTOOL, ['--version']).catch(() => {
    throw new Error('This test needs promtool: apt-get install prometheus')
  })
  database = await openTestCatalog()
})
afterAll(() => database.discard())

/** What promtool says of a text on its standard input; a hint of its linter is exit code 3. */
function promtoolOn(text: string): Promise<{ code: number | null; words: string }> {
  const child = spawn(PROMTOOL, ['check', 'metrics'])
  let words = ''
  const hear = (chunk: Buffer): void => {
    words += chunk.toString('utf8')
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.stdin.end(text)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, words }))
  })
}

test('promtool accepts the alert rules, and they fire when they are to and not otherwise', async () => {
  await run(PROMTOOL, ['check', 'rules', 'alerts.yaml'], { cwd: RULES })
  const { stdout } = await run(PROMTOOL, ['test', 'rules', 'alerts.test.yaml'], { cwd: RULES })
  expect(stdout).toContain('SUCCESS')
})

test('promtool finds nothing to say against the metrics, and the rules use none that is not there', async () => {
  const metrics = createMetrics()
  const log = createLogger({ level: 'silent' })
  const own = () => ({ config: readConfig({ TELEGRAM_BACKUP_HOME: '/nowhere' }), configFile: undefined })
  metrics.readFrom({ database, intervalOf: () => 60_000, own, log })
  metrics.showDeclared(() => ['db'])
  const every = { projectId: 'p', type: 'database' as const, cron: '* * * * *', timezone: 'UTC' }
  await createSchedule(database, { ...every, source: 'db', nextRunAt: new Date() })
  metrics.observeRequest({ method: 'GET', route: '/api/v1/backups', status: 200, seconds: 0.1 })
  metrics.observeJob({ kind: 'backup', state: 'done', seconds: 3 })
  metrics.noteChat(true)
  const { text } = await metrics.render()
  expect(await promtoolOn(text)).toEqual({ code: 0, words: '' })
  const rules = await readFile(join(RULES, 'alerts.yaml'), 'utf8')
  const used = new Set(rules.match(/telegram_backup_[a-z_]+/g))
  expect(used.size).toBeGreaterThan(10)
  for (const name of used) expect(text).toContain(`# TYPE ${name} `)
})
