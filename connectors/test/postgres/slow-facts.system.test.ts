import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type * as clientPrograms from '#postgres/client-programs.ts'
import { openPostgresSource } from '#postgres/dump/pg-dump-source.ts'
import { choosePostgres } from '#postgres/settings.ts'

const wrapped = vi.hoisted(() => ({ folder: '' }))

/** One pg_dump is installed, whatever this machine has; and both programs are those of the folder. */
vi.mock(import('#postgres/client-programs.ts'), async importActual => {
  const actual = await importActual()
  const wrap = (program: clientPrograms.ClientProgram, name: string): clientPrograms.ClientProgram =>
    wrapped.folder === '' ? program : { ...program, path: join(wrapped.folder, name) }
  return {
    ...actual,
    findClientPrograms: async (name, signal) =>
      (await actual.findClientPrograms(name, signal)).slice(0, 1).map(program => wrap(program, name)),
    newestClientProgram: async (name, signal) => wrap(await actual.newestClientProgram(name, signal), name),
  }
})

let server: PostgresServer
let folder: string

beforeAll(async () => {
  const bin = await installedServer()
  server = await startPostgresServer(bin)
  folder = await mkdtemp(join(tmpdir(), 'slow-facts-'))
  const ended = join(folder, 'ended')
  const pgDump = `#!/bin/bash\n${join(bin, 'pg_dump')} "$@"\nstatus=$?\n: > ${ended}\nexit $status\n`
  // It answers what the database is like once pg_dump has failed, and not at once.
  const psql = `#!/bin/bash
exec ${join(bin, 'psql')} "$@" < <(while IFS= read -r line; do
  case "$line" in *"'server_version'"*) until [ -e ${ended} ]; do sleep 0.05; done; sleep 0.5;; esac
  printf '%s\\n' "$line"
done)\n`
  for (const [name, script] of Object.entries({ pg_dump: pgDump, psql })) {
    await writeFile(join(folder, name), script)
    await chmod(join(folder, name), 0o755)
  }
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

it('a dump that continues without the second session waits for the last facts of that session', async () => {
  await server.sql('postgres', `create role lonely login password 'pw' connection limit 1`)
  const url = server.url('postgres').replace(/owner:[^@]*@/, 'lonely:pw@')
  const chosen = choosePostgres({ postgres: url }, { spanMs: () => 60_000, pastTime: () => new Date() })
  wrapped.folder = folder
  try {
    const source = await openPostgresSource(url, chosen.options)
    try {
      expect(source.facts).toMatchObject({ kind: 'postgres', database: 'postgres' })
      expect((await source.finish(1))?.facts).not.toHaveProperty('contents')
    } finally {
      await source.close()
    }
  } finally {
    wrapped.folder = ''
  }
  const sessions = `select count(*) from pg_stat_activity where usename = 'lonely'`
  // The server takes a moment to notice that its client has gone.
  await expect.poll(() => server.sql('postgres', sessions), { message: 'no session is left' }).toBe('0')
})
