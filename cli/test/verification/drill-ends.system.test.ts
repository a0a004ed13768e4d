import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { processesWith, waitUntil } from '#test/restore-bench.ts'
import { type DrillBench, openDrillBench } from '#test/verification/drill-bench.ts'

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

describe('what cannot be drilled is told before its bytes are read', () => {
  let id: string
  const source = (change: string): Promise<void> => bench.tamperWithRecord(id, `source || '${change}'`)
  const on = (change: (url: URL) => void): string[] => {
    const url = new URL(server.url('postgres'))
    change(url)
    return ['--on', url.href]
  }

  beforeEach(async () => {
    id = (await bench.send('--postgres', server.url('source'))).id
  })

  it('a server that is named, and is not there, lets nobody in, or may make no databases', async () => {
    await server.sql('postgres', `create role humble login password 'pw'`)
    const away = on(url => {
      url.port = '1'
    })
    expect(await bench.drillUnread(id, ...away)).toMatchObject({ code: 1, report: { code: 'UNREACHABLE' } })
    const stranger = on(url => {
      url.password = 'wrong'
    })
    expect(await bench.drillUnread(id, ...stranger)).toMatchObject({
      code: 2,
      report: { code: 'CONFIGURATION' },
    })
    const humble = on(url => {
      url.username = 'humble'
      url.password = 'pw'
    })
    expect(await bench.drillUnread(id, ...humble)).toMatchObject({
      code: 2,
      report: {
        error: 'The user humble may not create databases',
        hint: expect.stringContaining('ALTER ROLE "humble" CREATEDB'),
      },
    })
    const many = await bench.cli(['verify', '--all', '--drill', '--json', ...humble])
    expect(many.code, 'nor is any of many read').toBe(2)
  })

  it('a backup of a newer PostgreSQL than either server', async () => {
    await source('{"server_version_num": 990001}')
    for (const where of [[], ['--on', server.url('postgres')]]) {
      expect(await bench.drillUnread(id, ...where)).toMatchObject({
        ...{ code: 2, report: { error: expect.stringContaining('The backup is of PostgreSQL 99') } },
      })
    }
  })

  it('a database or a directory for which the disk has no room', async () => {
    await source(`{"database_size": ${2 ** 60}}`)
    for (const where of [[], ['--on', server.url('postgres')]]) {
      expect(await bench.drillUnread(id, ...where)).toMatchObject({ code: 1, report: { code: 'DISK_FULL' } })
    }
    await bench.tamperWithRecord(id, `'{"kind": "directory"}', size = ${2 ** 50}`)
    expect(await bench.drillUnread(id)).toMatchObject({ code: 1, report: { code: 'DISK_FULL' } })
  })

  it('one that no key file here opens', async () => {
    const run = await bench.cli(['verify', id, '--drill', '--json'], {
      env: { BACKUP_AGE_IDENTITY_FILE: '' },
    })
    expect({ code: run.code, answer: run.json() }).toMatchObject({
      code: 2,
      answer: { code: 'CONFIGURATION' },
    })
  })
})

it('one that the key file does not open is no drill that this server cannot take', async () => {
  const { id } = await bench.send('--postgres', server.url('source'))
  const key = join(bench.vault.folder, 'other-key.txt')
  await writeFile(key, `${(await generateIdentity()).identity}\n`, { mode: 0o600 })
  const run = await bench.cli(['verify', id, '--drill', '--json'], { env: { BACKUP_AGE_IDENTITY_FILE: key } })
  expect({ code: run.code, answer: run.json() }, run.stderr).toMatchObject({
    code: 5,
    answer: { state: 'sound', drill: { state: 'failed', code: 'WRONG_KEY' } },
  })
})

describe('a drill that ends early leaves nothing', () => {
  /** Ends a drill that is restoring, and waits for a download. */
  async function end(id: string, signal: NodeJS.Signals, on: readonly string[]): Promise<CliRun> {
    // Those of the restore itself come after those of the verification, and keep it waiting in its
    // transaction.
    let isRestoring = false
    let downloads = 0
    const read = ((await bench.show(id)).part_count ?? 0) + 1
    bench.chat.onDownload = async () => {
      if (++downloads <= read) return
      isRestoring = true
      await new Promise(() => {})
    }
    let pid = 0
    const running = bench.start(['verify', id, '--drill', '--json', ...on], {
      onStart: started => {
        pid = started
      },
    })
    const hasEnded = running.then(({ stdout, stderr }) => {
      throw new Error(`It ended before it could be ended: ${stdout} ${stderr}`)
    })
    await Promise.race([waitUntil(() => isRestoring), hasEnded])
    hasEnded.catch(() => {})
    process.kill(pid, signal)
    const run = await running
    bench.chat.honest()
    return run
  }

  const places = ['a server of its own', 'a server that is named']
  const at = (where: string): string[] =>
    where === 'a server of its own' ? [] : ['--on', server.url('postgres')]

  it.each(places)('in %s, once the next is made, when it is killed', async where => {
    const backup = await bench.send('--postgres', server.url('source'))
    await end(backup.id, 'SIGKILL', at(where))
    const { code, stderr } = await bench.drill(backup.id, ...at(where))
    expect(code, stderr).toBe(0)
    // The psql that watched over the first one's database is nobody's child, and goes in its own time.
    await expect.poll(() => processesWith(`:${new URL(server.url('x')).port}/`)).toEqual([])
  })

  it.each(places.flatMap(where => (['SIGINT', 'SIGTERM'] as const).map(signal => ({ where, signal }))))(
    'in $where, at $signal, and is no verification that found anything',
    async ({ where, signal }) => {
      const backup = await bench.send('--postgres', server.url('source'))
      const run = await end(backup.id, signal, at(where))
      expect(run.code, run.stderr).toBe(signal === 'SIGINT' ? 130 : 143)
      expect(run.json()).toMatchObject({ success: false, code: 'CANCELLED' })
      const { verifications, damaged_at } = await bench.show(backup.id)
      expect(verifications[0]).toMatchObject({ kind: 'drill', state: 'failed', findings: [] })
      expect(damaged_at).toBeNull()
    },
  )

  it('of a directory, at SIGINT', async () => {
    const tree = join(bench.vault.folder, 'stopped')
    await mkdir(tree)
    await writeFile(join(tree, 'a.bin'), Buffer.alloc(200_000, 'ab'))
    const backup = await bench.send('--directory', tree)
    const run = await end(backup.id, 'SIGINT', [])
    expect(run.code, run.stderr).toBe(130)
    expect(run.json()).toMatchObject({ success: false, code: 'CANCELLED' })
  })
})
