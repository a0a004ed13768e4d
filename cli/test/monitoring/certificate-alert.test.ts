import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { writeSources } from '@telegram-backup/test-support/jobs-world.ts'
import { type Listener, startListener } from '@telegram-backup/test-support/listener.ts'
import { selfSigned } from '@telegram-backup/test-support/self-signed.ts'
import { type ServeProcess, startServe } from '@telegram-backup/test-support/serve-process.ts'
import {
  openTestCatalog,
  openTestVault,
  type TestCatalog,
  type TestVault,
} from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let vault: TestVault
let catalog: TestCatalog
let listener: Listener
let serve: ServeProcess | undefined
let certificate: string
beforeAll(async () => {
  vault = await openTestVault()
  listener = await startListener()
  certificate = join(vault.folder, 'cert.pem')
  const key = join(vault.folder, 'key.pem')
  const first = selfSigned('first')
  await writeFile(certificate, first.cert)
  await writeFile(key, first.key, { mode: 0o600 })
  const path = await writeSources(vault.folder)
  const notifications = `notifications: { chat: false, webhook: "${listener.url}" }\n`
  await writeFile(path, `${await readFile(path, 'utf8')}${notifications}`, { mode: 0o600 })
  catalog = await openTestCatalog()
  const env = { ...(await cliEnvironment(vault)), ...catalog.env, TELEGRAM_BACKUP_CONFIG: path }
  serve = startServe(env, ['--certificate', certificate, '--certificate-key', key])
  await serve.ready
})
afterAll(async () => {
  await serve?.end('SIGTERM')
  await listener.close()
  await catalog.discard()
  await vault.close()
})

test('a certificate that is exchanged for one that cannot be used is told to people', async () => {
  const told = (): string[] =>
    listener.notices().flatMap(({ kind, text }) => (kind === 'certificate_unusable' ? [text ?? ''] : []))
  await writeFile(certificate, 'half of one')
  await expect.poll(told).toEqual([expect.stringContaining('cannot be used')])
  expect(told()[0]).toContain(certificate)
})
