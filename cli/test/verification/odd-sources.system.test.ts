import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type DrillBench, openDrillBench } from '#test/verification/drill-bench.ts'

// Databases whose owners have set or made what stands in the way of a drill, without meaning to.

let bench: DrillBench
let before: string[]

beforeAll(async () => {
  bench = await openDrillBench()
  before = await bench.server.databases()
})

afterEach(async () => {
  await bench.server.sql('postgres', 'drop database if exists odd')
  await bench.expectNothingLeft(before)
})

afterAll(() => bench.close())

it('one with a subscription leaves nothing on a server that is named', async () => {
  await bench.server.sql('postgres', 'create database odd')
  await bench.server.sql(
    'odd',
    `create subscription "s;" connection 'dbname=nowhere' publication p with (connect = false, slot_name = 's')`,
  )
  const backup = await bench.send('--postgres', bench.server.url('odd'))
  await bench.server.sql('odd', `alter subscription "s;" set (slot_name = none); drop subscription "s;"`)
  const { code, report } = await bench.drill(backup.id, '--on', bench.server.url('postgres'))
  expect(report.drill?.state, report.error).toBe('passed')
  expect(code).toBe(0)
})

it('one whose dump makes a template of what it is restored into leaves nothing on a server that is named', async () => {
  const file = join(bench.vault.folder, 'template.sql')
  const make = `execute format('alter database %I is_template true', current_database());`
  await writeFile(
    file,
    `-- PostgreSQL database dump\nDO $$ begin ${make} end $$;\n-- PostgreSQL database dump complete\n`,
  )
  const backup = await bench.send('--file', file)
  const { code, stderr } = await bench.drill(backup.id, '--on', bench.server.url('postgres'))
  expect(code, stderr).toBe(0)
})

it('one that nobody may write to is drilled', async () => {
  await bench.server.sql('postgres', 'create database odd')
  await bench.server.sql(
    'odd',
    'create table t (x int); alter database odd set default_transaction_read_only = on',
  )
  const backup = await bench.send('--postgres', bench.server.url('odd'))
  const { report } = await bench.drill(backup.id)
  expect(report.drill?.state, report.error).toBe('passed')
})
