import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-test-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

it('the demo brings every row back, refuses damage, and leaves nothing', async () => {
  const run = await runCli(['demo', '--json'], {
    env: { TMPDIR: folder, DATABASE_URL: 'postgresql://not.asked/' },
  })
  expect(run.json()).toMatchObject({
    success: true,
    damage_refused: true,
    // Three parts, the manifest and the index.
    messages_in_chat: 5,
    tables: [
      { table: 'customers', rows: 2000, equal: true },
      { table: 'orders', rows: 6000, equal: true },
    ],
  })
  expect(run.code).toBe(0)
  expect(await readdir(folder)).toEqual([])
})
