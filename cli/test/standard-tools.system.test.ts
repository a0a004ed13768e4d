import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

const run = promisify(execFile)
let vault: TestVault
let env: Record<string, string>

beforeAll(async () => {
  for (const program of ['age', 'zstd', 'curl']) {
    await run(program, ['--version']).catch(() => {
      throw new Error(`This test needs ${program}: apt-get install ${program}`)
    })
  }
  vault = await openTestVault()
  // Parts as a user has them, not the small ones of other tests.
  const { TELEGRAM_PART_SIZE: _, ...rest } = await cliEnvironment(vault)
  env = rest
})

afterAll(async () => {
  await vault.close()
})

/** Half of it compresses, half does not. */
function sourceBytes(mebibytes: number): Buffer {
  const text = Buffer.from("INSERT INTO orders VALUES (1, 'größe', 19.99);\n".repeat(20_000))
  const pieces: Buffer[] = []
  for (let size = 0; size < mebibytes * 2 ** 20; size += 2 ** 20) {
    pieces.push(pieces.length % 2 === 0 ? randomBytes(2 ** 20) : text)
  }
  return Buffer.concat(pieces).subarray(0, mebibytes * 2 ** 20)
}

it.each([3, 240])(
  '%i MiB: fetched by this program, and by curl, age and zstd alone, are the same bytes',
  async mebibytes => {
    const source = join(vault.folder, `source-${mebibytes}.sql`)
    const bytes = sourceBytes(mebibytes)
    await writeFile(source, bytes)
    const sent = await runCli(
      ['send', '--project', 'shop', '--type', 'database', '--file', source, '--json'],
      { env },
    )
    expect(sent.code).toBe(0)
    const { databaseRecord } = sent.json() as IntegratedBackupResult
    const details = (
      await runCli(['show', databaseRecord?.id ?? '', '--json'], { env })
    ).json() as BackupDetails

    const out = join(vault.folder, `back-${mebibytes}.sql`)
    expect((await runCli(['fetch', details.id, '--out', out], { env })).code).toBe(0)
    expect((await readFile(out)).equals(bytes)).toBe(true)

    const parts = join(vault.folder, `parts-${mebibytes}`)
    await mkdir(parts)
    const api = `${vault.emulator.url}/bot${vault.token}`
    for (const part of details.parts) {
      expect(part.size).toBeLessThanOrEqual(20 * 2 ** 20 - 64 * 1024)
      const { stdout } = await run('curl', ['-fsS', `${api}/getFile?file_id=${part.file_id}`])
      const { result } = JSON.parse(stdout) as { result: { file_path: string } }
      const url = `${vault.emulator.url}/file/bot${vault.token}/${result.file_path}`
      await run('curl', ['-fsS', '-o', join(parts, part.file_name), url])
    }
    const message = vault.emulator.inspect
      .messages(vault.chatId)
      .find(({ message_id }) => message_id === details.parts[0]?.message_id)
    expect(message?.document?.file_name).toBe(details.parts[0]?.file_name)
    const byHand = join(vault.folder, `by-hand-${mebibytes}.sql`)
    const name = join(parts, details.filename ?? '')
    // The loop of the design. The whole script of docs/format.md, with its checks, is run by the archive’s
    // tests.
    const line = `set -o pipefail; for p in "$NAME".*.age; do age -d -i "$KEY" "$p" || exit 1; done | zstd -d > "$OUT"`
    await run('bash', ['-c', line], {
      env: { ...process.env, NAME: name, KEY: env['BACKUP_AGE_IDENTITY_FILE'] ?? '', OUT: byHand },
    })
    expect((await readFile(byHand)).equals(bytes)).toBe(true)
  },
)
