import { parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import type { DatabaseContents } from '@telegram-backup/connectors/postgres/contents-record.ts'
import { SourceSession } from '@telegram-backup/connectors/postgres/dump/source-session.ts'
import { copyServerPrograms, SERVER_MAJORS } from '@telegram-backup/test-support/servers/npm-server.ts'
import { ODD_TABLES } from '@telegram-backup/test-support/servers/odd-tables.ts'
import { startPostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { expect, test } from 'vitest'

test('the same rows have the same hashes on every major', async () => {
  const recorded: Array<{ major: number; hashes: DatabaseContents['hashes'] }> = []
  for (const major of SERVER_MAJORS) {
    const programs = await copyServerPrograms(major)
    const server = await startPostgresServer(programs.bin)
    try {
      await server.sql('postgres', 'create database odd')
      await server.sql('odd', ODD_TABLES)
      const session = await SourceSession.begin(parsePostgresUrl(server.url('odd')), undefined)
      const contents = await session.contents(
        {
          ...{ format: 'plain', proof: 'fast', lockTimeoutMs: 0 },
          ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], excludeTableData: [] },
        },
        { dumpEnded: Promise.resolve(), partsSent: new Promise(() => {}) },
      )
      recorded.push({ major, hashes: contents?.hashes })
    } finally {
      await server.stop()
      await programs.remove()
    }
  }
  const [first] = recorded
  expect(first?.hashes?.tables).toHaveLength(10)
  for (const { major, hashes } of recorded) {
    expect(hashes?.left_out, `${major}`).toEqual([['public', 'sums', 'view']])
    expect(hashes?.tables, `${major}`).toEqual(first?.hashes?.tables)
    expect(hashes?.large_objects, `${major}`).toEqual(first?.hashes?.large_objects)
  }
})
