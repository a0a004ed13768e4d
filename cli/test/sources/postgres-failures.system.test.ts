import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Backup } from '@telegram-backup/database'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'
import {
  expectTakenBack,
  openSendBench,
  processesOf,
  type SendBench,
  type SentRun,
  waitUntil,
  writeBrokenPgDump,
} from '#test/send-bench.ts'

const PASSWORD = 'p@ss/w#rd: 50%'
let server: PostgresServer
let bench: SendBench
let database = ''
let count = 0

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openSendBench()
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

beforeEach(async () => {
  database = `shop_${process.pid}_${++count}`
  await server.sql('postgres', `create database ${database}; create role user_${count} login password 'pw'`)
})

afterEach(async () => {
  expect(await processesOf('pg_dump', database), 'no pg_dump is left').toEqual([])
})

/** Some megabytes that do not compress: a dump stays in the middle of them while the chat is slow. */
const RANDOM_ROWS = `create table rows as select n, (select string_agg(md5(random()::text || n || m), '')
  from generate_series(1, 100) m) as data from generate_series(1, 3000) n;`

function send(options: {
  url?: string
  more?: string[]
  during?: (pid: number) => Promise<void> | void
}): Promise<SentRun> {
  const { url = server.url(database), more = [], during } = options
  return bench.send(
    ['--project', database, '--type', 'database', '--postgres', url, ...more],
    during ? { during } : {},
  )
}

function limitedUrl(): string {
  return server.url(database).replace(/owner:[^@]*@/, `user_${count}:pw@`)
}

/** The server's process that serves the dump. */
async function backendPid(): Promise<number> {
  const pid = await server.sql(
    'postgres',
    `select pid from pg_stat_activity where datname = '${database}' and query like 'COPY%'`,
  )
  // 0 would be our own process group.
  if (!(Number(pid) > 1)) throw new Error('No dump is at work')
  return Number(pid)
}

async function expectSourceFailure(sent: SentRun, words: RegExp): Promise<void> {
  expect(sent.code).toBe(1)
  expect(sent.report).toMatchObject({ success: false, code: 'SOURCE', error: expect.stringMatching(words) })
  expect(sent.stdout + sent.stderr).not.toContain(PASSWORD)
  expect(await expectTakenBack(bench, sent, database)).toBe(1)
}

it('a server that is not there is told as that, and not as a failure of Telegram', async () => {
  const sent = await send({ url: 'postgresql://u@127.0.0.1:1/x' })
  expect(sent.code).toBe(1)
  expect(sent.report.error).toMatch(/^PostgreSQL at/)
  expect(sent.stderr).toMatch(/^error: PostgreSQL at \S+ cannot be reached: connection to server/m)
  expect(sent.report).not.toHaveProperty('failedBefore')
})

describe('a dump that is not whole is taken back', () => {
  it('rows hidden by row-level security', async () => {
    await server.sql(
      database,
      `${RANDOM_ROWS} create table z (a int); alter table z enable row level security;
       grant select on all tables in schema public to user_${count}`,
    )
    const sent = await send({ url: limitedUrl() })
    await expectSourceFailure(sent, /row-level security/)
    expect(sent.report.hint).toContain('BYPASSRLS')
  })

  it('a table that the user may not read', async () => {
    await server.sql(database, `create table secret (a int)`)
    const sent = await send({ url: limitedUrl() })
    await expectSourceFailure(sent, /permission denied for table secret/)
    expect(sent.report.hint).toContain('pg_read_all_data')
    expect(sent.report.error).not.toContain('LOCK TABLE')
  })

  it('the server ends the connection', async () => {
    await server.sql(database, RANDOM_ROWS)
    const sent = await send({
      during: async () => {
        await server.sql('postgres', `select pg_terminate_backend(${await backendPid()})`)
      },
    })
    await expectSourceFailure(sent, /pg_dump failed: /)
  })

  it('the server’s process is killed', async () => {
    await server.sql(database, RANDOM_ROWS)
    const sent = await send({ during: async () => void process.kill(await backendPid(), 'SIGKILL') })
    await expectSourceFailure(sent, /pg_dump failed: /)
    // It recovers by itself; the next test finds it up again.
    await waitUntil(() =>
      server.sql('postgres', 'select 1').then(
        () => true,
        () => false,
      ),
    )
  })

  it('pg_dump itself is killed', async () => {
    await server.sql(database, RANDOM_ROWS)
    const sent = await send({
      during: async () => {
        for (const pid of await processesOf('pg_dump', database)) process.kill(pid, 'SIGKILL')
      },
    })
    await expectSourceFailure(sent, /pg_dump was ended by SIGKILL/)
  })

  it('Ctrl-C in the middle', async () => {
    await server.sql(database, RANDOM_ROWS)
    const sent = await send({ during: pid => void process.kill(pid, 'SIGINT') })
    expect(sent.report).toMatchObject({ success: false, code: 'CANCELLED' })
    expect(await expectTakenBack(bench, sent, database)).toBe(1)
  })
})

describe('nothing is sent', () => {
  it('when a lock is held for longer than --lock-timeout', async () => {
    await server.sql(database, `create table busy (a int)`)
    const psql = spawn(join(await installedServer(), 'psql'), ['-X', '-q', '-d', server.url(database)], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    psql.stdin.write('begin; lock table busy;\n\\echo locked\n')
    await once(psql.stdout, 'data')
    const sent = await send({ more: ['--lock-timeout', '300ms'] })
    psql.stdin.end()
    await once(psql, 'exit')
    await expectSourceFailure(sent, /timeout/)
    expect(sent.report.hint).toContain('--lock-timeout')
  })

  it.each([
    ['a wrong password', (): string => server.url(database).replace(/:[^:@]*@/, ':wr0ng@'), 2],
    ['a database that is not there', (): string => server.url('no such'), 2],
    ['a server that is not there', (): string => 'postgresql://u:wr0ng@127.0.0.1:1/x', 1],
    ['a URL that is none', (): string => 'mysql://u:wr0ng@h/x', 2],
  ] as const)('%s', async (_, url, code) => {
    const sent = await send({ url: url() })
    expect(sent.code).toBe(code)
    expect(sent.stdout + sent.stderr).not.toContain('wr0ng')
    expect(sent.report.hint).toEqual(expect.any(String))
    expect(await expectTakenBack(bench, sent, database)).toBe(0)
  })
})

it('words of pg_dump are on the terminal without the password, and in the catalog without the place as well', async () => {
  const major = Number.parseInt(await server.sql(database, 'show server_version'), 10)
  const bin = await writeBrokenPgDump(bench.vault.folder, { major, password: PASSWORD })
  const env = { PATH: `${bin}:${process.env['PATH']}` }
  const args = ['--project', database, '--type', 'database', '--postgres', server.url(database)]
  const sent = await bench.send(args, { env })
  await expectSourceFailure(
    sent,
    /server at "127\.0\.0\.1", port 5 failed: FATAL: .* user "nobody" \(\[hidden\], /,
  )
  expect(sent.stderr).toMatch(
    /^error: pg_dump failed: connection to server at "127\.0\.0\.1", port 5 failed/m,
  )
  const [failed] = (
    await callCli(['list', '--project', database, '--json'], { env: bench.env })
  ).json() as Backup[]
  expect(failed?.error).toMatch(
    /^pg_dump failed: connection to server at "…" failed: FATAL: +password authentication failed for user "…"/,
  )
  const shown = await callCli(['show', failed?.id ?? ''], { env: bench.env })
  const whole = JSON.stringify(await bench.show(failed?.id ?? ''))
  for (const text of [sent.stdout, sent.stderr, shown.stdout, whole]) {
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(text).not.toContain(secret)
  }
  expect(JSON.stringify([failed?.error, JSON.parse(whole).history])).not.toMatch(/127\.0\.0\.1|nobody/)
})

it('nobody sees the password in a list of processes', async () => {
  await server.sql(database, RANDOM_ROWS)
  // Its own: other programs on this machine may have the server's among their arguments.
  const password = `p@ss ${randomUUID()}`
  await server.sql('postgres', `create role lister_${count} superuser login password '${password}'`)
  const seen: string[] = []
  const sent = await send({
    url: server.url(database).replace(/owner:[^@]*@/, `lister_${count}:${encodeURIComponent(password)}@`),
    during: async () => {
      seen.push(...(await commandLines()))
    },
  })
  expect(sent.code).toBe(0)
  expect(seen.join('\n')).toContain('pg_dump')
  for (const secret of [password, encodeURIComponent(password)]) expect(seen.join('\n')).not.toContain(secret)
})

it('a source of telegram-backup.yaml takes its password from a variable', async () => {
  await server.sql(database, `create table t as select 'a row' as a`)
  const url = server.url(database).replace(/:[^:@]*@/, () => `:$${'{SHOP_PASSWORD}'}@`)
  const path = `${bench.vault.folder}/backup.yaml`
  await writeFile(
    path,
    `sources:\n  shop:\n    project: ${database}\n    type: database\n    postgres: ${url}\n`,
  )
  const sent = await bench.send(['--source', 'shop', '--filename', 'mine.sql'], {
    env: { TELEGRAM_BACKUP_CONFIG: path, SHOP_PASSWORD: PASSWORD },
  })
  expect(sent.code, sent.stderr).toBe(0)
  expect(sent.report.databaseRecord?.project_id).toBe(database)
  expect((await bench.fetch(sent.report)).toString()).toContain('a row')
})

async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(entry => /^\d+$/.test(entry))
  return Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
}
