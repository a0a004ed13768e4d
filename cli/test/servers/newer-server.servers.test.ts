import { copyServerPrograms } from '@telegram-backup/test-support/servers/npm-server.ts'
import { checksumsOf, startPostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { largeRow, RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fill, type MajorsBench, openMajorsBench } from '#test/servers/majors-bench.ts'

describe('from one server to a newer one', () => {
  let bench: MajorsBench

  beforeAll(async () => {
    bench = await openMajorsBench()
  })

  afterAll(() => bench.close())

  test('a million small rows and a row of 100 MiB of PostgreSQL 13 come back in 17, without the roles it lacks', async () => {
    const [oldPrograms, newPrograms] = [await copyServerPrograms(13), await copyServerPrograms(17)]
    const [old, young] = [
      await startPostgresServer(oldPrograms.bin),
      await startPostgresServer(newPrograms.bin),
    ]
    try {
      await old.sql('postgres', RICH_ROLES)
      await fill(
        old,
        'big',
        `${richSchema({ serverMajor: 13, rows: 1_000_000 })}; create extension if not exists pgcrypto; ${largeRow(100)}`,
      )
      const backup = await bench.send(old.url('big'), 'plain')
      expect(backup.parts.length).toBeGreaterThan(5)
      await bench.cli('restore', backup.id, '--to', young.url('big'), '--create-roles', '--yes')
      // A dump says which server it is from, and public has another owner since 15.
      expect(await checksumsOf(young, 'big')).toBe(await checksumsOf(old, 'big'))
    } finally {
      await old.stop()
      await young.stop()
      await oldPrograms.remove()
      await newPrograms.remove()
    }
  })
})
