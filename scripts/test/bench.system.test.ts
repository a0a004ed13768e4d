import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measure } from '#bench/measure.ts'
import { type BenchVault, openVault } from '#bench/vault.ts'

const path = process.env['PATH'] ?? ''
let folder: string
let vault: BenchVault
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-test-'))
  for (const name of ['pg_dump', 'psql']) {
    await writeFile(join(folder, name), '#!/bin/sh\necho "server version mismatch" >&2\nexit 1\n')
    await chmod(join(folder, name), 0o755)
  }
  process.env['PATH'] = `${folder}:${path}`
  vault = await openVault()
})
afterAll(async () => {
  process.env['PATH'] = path
  await vault?.close()
  await rm(folder, { recursive: true })
})

test('the shell line of the bench dumps with the client of the server, whatever the PATH has first', async () => {
  const line = vault.shell('pg_dump -d "$URL" | psql -X -q -d "$URL" > /dev/null', {
    URL: vault.server.url('postgres'),
  })
  expect((await measure(line)).seconds).toBeGreaterThan(0)
})
