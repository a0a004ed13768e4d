import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

const run = promisify(execFile)
const LAUNCHER = fileURLToPath(import.meta.resolve('#launcher'))
let vault: TestVault
let catalog: TestCatalog
let env: Record<string, string>
let file: string
/** Of a backup in the chat. */
let id: string

beforeAll(async () => {
  vault = await openTestVault()
  catalog = await openTestCatalog()
  env = { ...(await cliEnvironment(vault)), ...catalog.env }
  file = join(vault.folder, 'file.sql')
  await writeFile(file, 'SELECT 1;')
  const sent = await callCli([...SEND, '--file', file, '--json'], { env })
  expect(sent.code, sent.stderr).toBe(0)
  id = (sent.json() as { databaseRecord: { id: string } }).databaseRecord.id
})

afterAll(async () => {
  await catalog.discard()
  await vault.close()
})

const SEND = ['send', '--project', 'shop', '--type', 'database']

describe('a FIFO into which nobody writes is refused and not waited for', () => {
  it.each(['TELEGRAM_BOT_TOKEN_FILE', 'BACKUP_SIGNING_KEY_FILE', 'BACKUP_AGE_IDENTITY_FILE'])(
    'as %s',
    async name => {
      const fifo = join(await mkdtemp(join(vault.folder, 'fifo-')), name)
      await run('mkfifo', ['-m', '600', fifo])
      const { TELEGRAM_BOT_TOKEN, ...others } = env
      const token = name === 'TELEGRAM_BOT_TOKEN_FILE' ? {} : { TELEGRAM_BOT_TOKEN: TELEGRAM_BOT_TOKEN ?? '' }
      const args =
        name === 'BACKUP_AGE_IDENTITY_FILE'
          ? ['fetch', id, '--out', join(vault.folder, 'never')]
          : [...SEND, '--file', file]
      const refused = await runCli(args, { env: { ...others, ...token, [name]: fifo } })
      expect(refused.code, refused.stderr).toBe(2)
      expect(refused.stderr).toContain('into which nobody writes')
      expect(refused.stderr).toMatch(/Set TELEGRAM_BOT_TOKEN_FILE|start what writes/)
    },
  )
})

it('the token, the key and the signing key come by process substitution and by standard input', async () => {
  const out = join(vault.folder, 'fetched')
  const { TELEGRAM_BOT_TOKEN, BACKUP_AGE_IDENTITY_FILE, ...others } = env
  const script = `
    export BACKUP_SIGNING_KEY_FILE=<(cat "$SIGNING_KEY")
    printf %s "$TOKEN" | TELEGRAM_BOT_TOKEN_FILE=/dev/stdin "$0" "$1" send --project shop --type database --file "$2"
    TELEGRAM_BOT_TOKEN_FILE=<(printf %s "$TOKEN") BACKUP_AGE_IDENTITY_FILE=<(cat "$KEY") "$0" "$1" fetch "$3" --out "$4"`
  const { stderr } = await run(
    'bash',
    ['--norc', '-e', '-o', 'pipefail', '-c', script, process.execPath, LAUNCHER, file, id, out],
    {
      env: {
        ...others,
        PATH: process.env['PATH'] ?? '',
        TOKEN: TELEGRAM_BOT_TOKEN ?? '',
        KEY: BACKUP_AGE_IDENTITY_FILE ?? '',
        SIGNING_KEY: join(vault.folder, 'home', 'signing-key.pem'),
      },
    },
  )
  expect(await readFile(out, 'utf8'), stderr).toBe('SELECT 1;')
})
