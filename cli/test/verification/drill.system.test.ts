import { execFile } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { RICH_ROLES, richSchema } from '@telegram-backup/test-support/servers/rich-schema.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DrillBench, type Drilled, openDrillBench } from '#test/verification/drill-bench.ts'

let bench: DrillBench
let server: PostgresServer
let before: string[]

beforeAll(async () => {
  bench = await openDrillBench()
  server = bench.server
})

afterAll(() => bench.close())

beforeEach(async () => {
  before = await server.databases()
})

afterEach(() => bench.expectNothingLeft(before))

describe('a database is restored for real and compared', () => {
  it.each(['plain', 'custom'])('in a server of its own, from a %s dump', async format => {
    const backup = await bench.send('--postgres', server.url('source'), '--format', format)
    const { code, report, stderr } = await bench.drill(backup.id)
    expect(code, stderr).toBe(0)
    expect(report).toMatchObject({
      success: true,
      state: 'sound',
      depth: 'plain bytes',
      drill: {
        ...{ state: 'passed', where: 'a server of its own', differences: [] },
        compared: { tables: 2, rows: 2001 },
      },
    })
    const { verifications, restore_count, damaged_at, verified_at } = await bench.show(backup.id)
    expect(verifications.map(({ kind, state }) => [kind, state])).toEqual([
      ['drill', 'sound'],
      ['data', 'sound'],
    ])
    expect({ restore_count, damaged_at }).toEqual({ restore_count: 0, damaged_at: null })
    expect(verified_at).not.toBeNull()
  })

  it('on a server that is named, with all that PostgreSQL has, and its missing roles for that time', async () => {
    await server.sql('postgres', `${RICH_ROLES} create database rich`)
    await server.sql('rich', richSchema({ serverMajor: 15, rows: 5000 }))
    const backup = await bench.send('--postgres', server.url('rich'), '--project', 'rich')
    expect(await bench.drillUnread(backup.id)).toMatchObject({
      ...{ code: 2, report: { error: expect.stringContaining('Only a superuser can restore') } },
    })
    const many = await bench.cli(['verify', '--project', 'rich', '--drill', '--json'])
    expect(many.code, many.stderr).toBe(2)
    expect((many.json() as { backups: Drilled[] }).backups).toContainEqual(
      expect.objectContaining({
        ...{ id: backup.id, state: 'sound', success: false },
        drill: expect.objectContaining({ state: 'failed', hint: expect.stringContaining('--on') }),
      }),
    )
    const { code, report, stderr } = await bench.drill(backup.id, '--on', server.url('postgres'))
    expect(code, stderr + JSON.stringify(report.drill)).toBe(0)
    const { username, host } = new URL(server.url('postgres'))
    const where = `a database of its own on ${username}@${host}`
    expect(report.drill).toMatchObject({ state: 'passed', where, differences: [] })
    const other = await startPostgresServer(await installedServer())
    try {
      const databases = await other.databases()
      const refused = await bench.drillUnread(backup.id, '--on', other.url('postgres'))
      expect(refused.code).toBe(2)
      expect(refused.report.error).toMatch(/lacks \d+ of the roles/)
      const with_ = await bench.drill(backup.id, '--on', other.url('postgres'), '--create-roles')
      expect(with_.code, with_.stderr + JSON.stringify(with_.report.drill)).toBe(0)
      expect(await other.databases()).toEqual(databases)
      const roles = `select count(*) from pg_roles where rolname in ('Überadmin', 'reader', 'o''brien')`
      expect(await other.sql('postgres', roles)).toBe('0')
    } finally {
      await other.stop()
      await server.sql('postgres', 'drop database rich')
    }
  })

  it('and is told table by table where it is not as it was; its bytes are not called damaged', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    await bench.tamperWithRecord(
      backup.id,
      `jsonb_set(jsonb_set(source, '{contents,rows,0,2}', '1999'), '{contents,objects,views}', '2')`,
    )
    const { code, report } = await bench.drill(backup.id)
    expect(code).toBe(5)
    expect(report).toMatchObject({
      ...{ success: false, state: 'sound', code: 'DIFFERENT', findings: [] },
      drill: {
        state: 'differs',
        differences: [
          { kind: 'table', object: 'public.rows', expected: '1999 rows', found: '2000 rows' },
          { kind: 'objects', object: 'views', expected: '2', found: '1' },
        ],
      },
    })
    const shown = await bench.show(backup.id)
    expect(shown.damaged_at).toBeNull()
    expect(shown.verifications[0]).toMatchObject({ kind: 'drill', state: 'failed', findings: [{}, {}] })
    expect((await bench.cli(['show', backup.id])).stdout).toMatch(/drill +failed .*public\.rows: 1999 rows/)
  })

  it('without a record of its source as well, and that is said', async () => {
    const dump = join(bench.vault.folder, 'own.sql')
    await promisify(execFile)(join(await installedServer(), 'pg_dump'), [
      '-d',
      server.url('source'),
      '-f',
      dump,
      '-O',
      '-x',
    ])
    const backup = await bench.send('--file', dump, '--proof', 'off')
    const run = await bench.cli(['verify', backup.id, '--drill'])
    expect(run.stdout).toMatch(/Drill: restored in a server of its own .* no record of its source/)
    expect(run.code, run.stderr).toBe(0)
    expect((await bench.show(backup.id)).verifications[0]).toMatchObject({
      ...{ kind: 'drill', state: 'sound', findings: [{ finding: 'not compared' }] },
    })
  })

  it('not where its bytes are damaged, or there is nothing to restore', async () => {
    const file = join(bench.vault.folder, 'notes.txt')
    await writeFile(file, 'no dump at all')
    const notes = await bench.send('--file', file)
    expect(await bench.drill(notes.id)).toMatchObject({
      code: 0,
      report: { drill: { state: 'nothing to restore' } },
    })
    const backup = await bench.send('--postgres', server.url('source'))
    await bench.vault.client.deleteMessage(String(bench.vault.chatId), backup.parts[0]?.message_id ?? 0)
    expect(await bench.drill(backup.id)).toMatchObject({
      code: 5,
      report: { state: 'damaged', code: 'INTEGRITY', drill: { state: 'not made' } },
    })
  })
})

describe('a directory is unpacked and compared', () => {
  it('to the last byte, mode and time, and is deleted again', async () => {
    const tree = join(bench.vault.folder, 'tree')
    await mkdir(join(tree, 'größe', 'empty'), { recursive: true })
    await writeFile(join(tree, 'größe', 'a.bin'), Buffer.alloc(200_000, 'ab'), { mode: 0o640 })
    await symlink('/etc/passwd', join(tree, 'outside'))
    const backup = await bench.send('--directory', tree)
    const { code, report, stderr } = await bench.drill(backup.id)
    expect(code, stderr + JSON.stringify(report)).toBe(0)
    expect(report.drill).toMatchObject({
      state: 'passed',
      compared: { members: 5 },
      differences: [],
      notes: [],
    })
    await rm(tree, { recursive: true })
  })
})
