import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RestoredReport } from '@telegram-backup/engine/proof/drill-report.ts'
import { installedServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DrillBench, openDrillBench } from '#test/verification/drill-bench.ts'

let bench: DrillBench

beforeAll(async () => {
  bench = await openDrillBench()
  await bench.server.sql('postgres', 'create database shop')
  await bench.server.sql(
    'shop',
    `create table customers (id int primary key, name text);
     insert into customers select n, case n when 500 then 'Margarete' else md5(n::text) end from generate_series(1, 1000) n;
     create table notes (id int, note text); insert into notes values (6, ''), (7, null), (8, 'x');
     create table prices (id int, price float8); insert into prices values (1, 0.1), (2, 1e300);
     create table visits (page text); insert into visits values ('/'), ('/twin'), ('/twin'), ('/end');
     create table untouched as select n from generate_series(1, 100) n`,
  )
})

afterAll(() => bench.close())

/** A folder with a pg_dump whose output passes through sed. */
async function alteringPrograms(name: string, script: string): Promise<string> {
  const folder = join(bench.vault.folder, name)
  await mkdir(folder)
  const pgDump = join(await installedServer(), 'pg_dump')
  const text = `#!/bin/bash
[ "$1" = --version ] && exec ${pgDump} --version
set -o pipefail
${pgDump} "$@" | LC_ALL=C sed -e '${script}'
`
  await writeFile(join(folder, 'pg_dump'), text)
  await chmod(join(folder, 'pg_dump'), 0o755)
  return folder
}

async function sendBy(programs: string, format: string): Promise<string> {
  const args = ['send', '--project', 'shop', '--type', 'database', '--json', '--format', format]
  const sent = await bench.cli([...args, '--postgres', bench.server.url('shop')], {
    env: { TELEGRAM_BACKUP_PG_BIN: programs },
  })
  expect(sent.code, sent.stderr).toBe(0)
  return (sent.json() as { databaseRecord: { id: string } }).databaseRecord.id
}

it('a dump that comes back as it left has equal contents', async () => {
  const id = await sendBy(await alteringPrograms('honest', ''), 'plain')
  const run = await bench.cli(['verify', id, '--drill'])
  expect(run.code, run.stdout + run.stderr).toBe(0)
  expect(run.stdout).toContain('contents equal: 5 tables with 1109 rows, sequences and objects')
  expect(run.stdout).toContain('5 tables after the restore: they are sound')
  expect((await bench.cli(['show', id])).stdout).toMatch(/drill +sound .*contents equal: 5 tables/)
})

it('a dump that was altered on its way fails its drill, and each table is named', async () => {
  const programs = await alteringPrograms(
    'altering',
    String.raw`s/\tMargarete$/\tMargarets/; s/^7\t\\N$/7\t/; s/^1\t0\.1$/1\t0.10000000000000002/; /^\/twin$/d`,
  )
  const { code, report } = await bench.drill(await sendBy(programs, 'plain'))
  expect({ code, answer: report.code }).toEqual({ code: 5, answer: 'DIFFERENT' })
  expect(report.drill).toMatchObject({
    ...{ state: 'differs', depth: 'contents', not_covered: [] },
    compared: { tables: 5, rows: 1109, contents: 'different' },
  })
  const told = (report.drill as RestoredReport).differences.map(one => [one.object, one.change, one.found])
  expect(told.sort()).toEqual([
    ['public.customers', 'changed', expect.stringContaining('1000 rows, some of them differ (in ')],
    ['public.notes', 'changed', expect.stringContaining('3 rows, some')],
    ['public.prices', 'changed', expect.stringContaining('2 rows, some')],
    ['public.visits', 'fewer', '2 rows'],
  ])
})

/** What the same database is after each of the alterations. */
const ALTERED = `update customers set name = 'Margarets' where id = 500;
  update notes set note = '' where id = 7;
  update prices set price = 0.10000000000000002 where id = 1;
  delete from visits where page = '/twin'`

/** A folder with a pg_dump that reads another database than the one it is sent to. */
async function misledPrograms(database: string): Promise<string> {
  const folder = join(bench.vault.folder, `reading-${database}`)
  await mkdir(folder)
  const pgDump = join(await installedServer(), 'pg_dump')
  const text = `#!/bin/bash
arguments=()
for argument; do
  case $argument in
    --snapshot=*) ;;
    --dbname=*) arguments+=("\${argument/shop/${database}}") ;;
    *) arguments+=("$argument") ;;
  esac
done
exec ${pgDump} "\${arguments[@]}"
`
  await writeFile(join(folder, 'pg_dump'), text)
  await chmod(join(folder, 'pg_dump'), 0o755)
  return folder
}

it('in the custom format as well: equal as it left, and each altered table is named', async () => {
  for (const name of ['same', 'other'])
    await bench.server.sql('postgres', `create database ${name} template shop`)
  await bench.server.sql('other', ALTERED)
  const same = await bench.cli(['verify', await sendBy(await misledPrograms('same'), 'custom'), '--drill'])
  expect(same.code, same.stdout + same.stderr).toBe(0)
  expect(same.stdout).toContain('contents equal: 5 tables with 1109 rows')
  const { code, report } = await bench.drill(await sendBy(await misledPrograms('other'), 'custom'))
  expect({ code, answer: report.code }).toEqual({ code: 5, answer: 'DIFFERENT' })
  const told = (report.drill as RestoredReport).differences.map(one => [one.object, one.change])
  expect(told.sort()).toEqual([
    ['public.customers', 'changed'],
    ['public.notes', 'changed'],
    ['public.prices', 'changed'],
    ['public.visits', 'fewer'],
  ])
})

it('so does one in the custom format whose bytes were altered', async () => {
  const programs = await alteringPrograms('altering-custom', 's/Margarete/Margarets/')
  const id = await sendBy(programs, 'custom')
  const run = await bench.cli(['verify', id, '--drill'])
  expect(run.code).toBe(5)
  expect(run.stdout).toMatch(
    /^DIFFERS table public\.customers: 1000 rows as when it was backed up, but some of them differ/m,
  )
  expect((await bench.cli(['show', id])).stdout).toMatch(/drill +failed .*public\.customers: 1000 rows/)
})
