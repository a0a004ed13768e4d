import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { expect, vi } from 'vitest'
import { processesWith } from '#test/restore-bench.ts'

/**
 * Waits until no psql of a restore is left, since one ends a moment after its work; drops the databases that
 * the test has made.
 */
export async function expectTidyServer(server: PostgresServer, before: readonly string[]): Promise<void> {
  const port = `:${new URL(server.url('x')).port}/`
  await vi.waitFor(async () => expect(await processesWith(port), 'no psql is left').toEqual([]), 60_000)
  for (const name of await server.databases())
    if (!before.includes(name)) await server.sql('postgres', `drop database "${name.replaceAll('"', '""')}"`)
}
