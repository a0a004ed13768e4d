import type { BackupDetails } from '@telegram-backup/database'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import {
  checksumsOf,
  dumpOf,
  type PostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { openTestCatalog, openTestVault } from '@telegram-backup/test-support/vault.ts'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'
import { expect } from 'vitest'
import { callCli } from '#test/call-cli.ts'

/** A vault with parts as a user has them, and the command line, which has to succeed. */
export interface MajorsBench {
  /** Resolves to the answer of a command. */
  cli(...args: string[]): Promise<unknown>
  send(url: string, format: string): Promise<BackupDetails>
  close(): Promise<void>
}

export async function openMajorsBench(): Promise<MajorsBench> {
  const vault = await openTestVault()
  const catalog = await openTestCatalog()
  const { TELEGRAM_PART_SIZE: _, ...rest } = await cliEnvironment(vault)
  const env = { ...rest, ...catalog.env }
  const cli: MajorsBench['cli'] = async (...args) => {
    const ended = await callCli([...args, '--json'], { env })
    expect(ended.code, ended.stderr).toBe(0)
    return ended.json()
  }
  return {
    cli,
    send: async (url, format) => {
      const result = await cli(
        ...['send', '--project', 'rich', '--type', 'database', '--postgres', url, '--format', format],
      )
      const { databaseRecord } = result as IntegratedBackupResult
      return (await cli('show', databaseRecord?.id ?? '')) as BackupDetails
    },
    close: async () => {
      await catalog.discard()
      await vault.close()
    },
  }
}

/** Makes a database with that SQL. */
export async function fill(server: PostgresServer, database: string, sql: string): Promise<void> {
  await server.sql('postgres', `create database "${database}"`)
  await server.sql(database, sql)
}

export async function expectEqual(
  a: { server: PostgresServer; database: string },
  b: { server: PostgresServer; database: string },
): Promise<void> {
  expect(await checksumsOf(b.server, b.database)).toBe(await checksumsOf(a.server, a.database))
  const [one, other] = [await dumpOf(a.server.url(a.database)), await dumpOf(b.server.url(b.database))]
  // Not by expect: the texts have many megabytes.
  if (one === other) return
  const [lines, others] = [one.split('\n'), other.split('\n')]
  const index = lines.findIndex((line, at) => line !== others[at])
  expect(others[index]?.slice(0, 500)).toBe(lines[index]?.slice(0, 500))
}
