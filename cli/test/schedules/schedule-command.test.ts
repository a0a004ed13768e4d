import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listSchedules, sqlRunner } from '@telegram-backup/database'
import type { ScheduleView } from '@telegram-backup/engine/operations/schedules.ts'
import { runCli } from '@telegram-backup/test-support/run-cli.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

// Without a chat: schedules are kept in the catalog alone.

let folder: string
let database: TestCatalog

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'schedules-test-'))
  await writeFile(
    join(folder, 'telegram-backup.yaml'),
    'sources:\n  notes: { project: shop, type: logs, file: /etc/hostname }\n',
  )
  database = await openTestCatalog()
})
afterAll(async () => {
  await database.discard()
  await rm(folder, { recursive: true, force: true })
})

const letGo = ['retention', 'remove', '--project', 'shop', '--type', 'logs', '--source', 'notes']

function schedule(...args: string[]) {
  return command('schedule', ...args)
}

function command(...args: string[]) {
  const env = {
    ...database.env,
    TELEGRAM_BACKUP_HOME: join(folder, 'home'),
    TELEGRAM_BACKUP_CONFIG: join(folder, 'telegram-backup.yaml'),
  }
  return callCli(args, { env })
}

it('is added, listed, switched off and on, run, and removed, by the first eight characters of its id', async () => {
  const terms = ['--timezone', 'Europe/Berlin', '--keep-daily', '7', '--keep-within', '36h', '--jitter', '2m']
  // Once a year: its next time is the same all through the test.
  const added = await schedule('add', '--source', 'notes', '--cron', '30 2 1 7 *', ...terms, '--json')
  expect(added.code).toBe(0)
  const made = added.json() as ScheduleView
  expect(made).toMatchObject({
    source: 'notes',
    project_id: 'shop',
    type: 'logs',
    cron: '30 2 1 7 *',
    timezone: 'Europe/Berlin',
    enabled: true,
    keep: { daily: 7, within: '36h' },
    jitter: 120,
    catch_up: 'once',
    last_job: null,
  })
  const short = made.id.slice(0, 8)
  expect((await schedule('list', '--json')).json()).toEqual([made])

  const off = await schedule('disable', short, '--json')
  expect(off.json()).toMatchObject({ id: made.id, enabled: false, next_run_at: null })
  expect((await schedule('list')).stdout).toMatch(new RegExp(`^${made.id} .* off +-$`, 'm'))
  expect((await schedule('enable', short, '--json')).json()).toMatchObject({ next_run_at: made.next_run_at })

  const run = await schedule('run', short, '--json')
  expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('serve') })
  expect(run.json()).toMatchObject({ kind: 'backup', state: 'queued', source: 'notes', project_id: 'shop' })
  const [after] = (await schedule('list', '--json')).json() as ScheduleView[]
  expect(after?.last_job?.id).toBe((run.json() as { id: string }).id)

  expect((await schedule('remove', short, '--json')).json()).toEqual({ success: true, id: made.id })
  expect((await schedule('list', '--json')).json()).toEqual([])
  expect(await command(...letGo)).toMatchObject({ code: 0 })
})

it('says where there is one for the same times already, and makes it', async () => {
  const add = (...terms: string[]) => schedule('add', '--source', 'notes', ...terms, '--json')
  const first = await add('--cron', '10 5 * * *')
  const others = [
    await add('--cron', '11 5 * * *'),
    await add('--cron', '10 5 * * *', '--timezone', 'Asia/Tokyo'),
  ]
  for (const { stderr } of [first, ...others]) expect(stderr).not.toContain('already')
  const second = await add('--cron', '10 5 * * *')
  expect(second.code).toBe(0)
  const { id } = first.json() as ScheduleView
  expect(second.stderr).toContain(`notes already had a schedule for the same times: ${id.slice(0, 8)}.`)
  for (const added of [first, second, ...others])
    expect(await schedule('remove', (added.json() as ScheduleView).id)).toMatchObject({ code: 0 })
})

it('says how many earlier backups of its source its rule decides about from now on', async () => {
  const add = async (...keep: string[]): Promise<string> => {
    const { stderr, json } = await schedule(
      'add',
      '--source',
      'notes',
      '--cron',
      '15 6 * * *',
      ...keep,
      '--json',
    )
    await schedule('remove', (json() as ScheduleView).id)
    await command(...letGo)
    return stderr
  }
  const record = (values: string) =>
    sqlRunner(database).executeSql(
      `insert into control_plane.backups
         (project_id, type, source_name, state, size, file_id, completed_at, expiry_given, pinned_at) values ${values}`,
    )
  expect(await add('--keep-last', '9')).not.toContain('earlier')
  await record(`('shop', 'logs', 'notes', 'complete', 1, 'file-id', now(), false, null),
    ('shop', 'logs', 'notes', 'complete', 1, 'file-id', now(), true, null),
    ('shop', 'logs', 'notes', 'complete', 1, 'file-id', now(), false, now()),
    ('shop', 'logs', 'notes', 'failed', 0, '', null, false, null),
    ('shop', 'logs', 'other', 'complete', 1, 'file-id', now(), false, null),
    ('shop', 'database', 'notes', 'complete', 1, 'file-id', now(), false, null)`)
  expect(await add('--keep-last', '9')).toContain(
    'this rule also applies to 1 earlier backup of notes: last 9. Backups that no rule keeps are erased. ',
  )
  expect(await add()).not.toContain('earlier')
  expect(await add('--keep-minimum', '2')).not.toContain('earlier')
  await record(`('shop', 'logs', 'notes', 'complete', 1, 'file-id', now(), false, null)`)
  expect(await add('--keep-daily', '7')).toContain('also applies to 2 earlier backups of notes')

  const kept = await schedule('add', '--source', 'notes', '--cron', '15 6 * * *', '--json')
  const { id } = kept.json() as ScheduleView
  expect((await schedule('change', id, '--keep-weekly', '4')).stderr).toContain('2 earlier backups of notes')
  expect((await schedule('change', id, '--cron', '16 6 * * *')).stderr).not.toContain('earlier')
  await schedule('remove', id)
  await command(...letGo)
})

it('one whose time has passed is shown as overdue, since when, and why; its JSON stays as it is', async () => {
  const added = await schedule('add', '--source', 'notes', '--cron', '15 6 * * *', '--json')
  const { id } = added.json() as ScheduleView
  expect((await schedule('list')).stdout).not.toMatch(/overdue/i)
  await sqlRunner(database).executeSql(
    `update control_plane.schedules set next_run_at = '2026-01-02T06:15:00Z' where id = $1`,
    [id],
  )
  const { stdout } = await schedule('list')
  expect(stdout).toContain('overdue since 2026-01-02 06:15 UTC')
  expect(stdout).toContain('Overdue: probably no "telegram-backup serve" is running')
  expect((await schedule('list', '--json')).json()).toEqual([
    expect.objectContaining({ id, next_run_at: '2026-01-02T06:15:00.000Z' }),
  ])
  await schedule('remove', id)
})

it('is changed in what is given, and what a removed one kept is kept until a person lets go of it', async () => {
  const terms = ['--source', 'notes', '--cron', '30 2 * * *', '--keep-daily', '7']
  const { id } = (await schedule('add', ...terms, '--json')).json() as ScheduleView
  expect(await schedule('change', id)).toMatchObject({ code: 2 })
  const changed = await schedule('change', id, '--cron', '0 4 * * *', '--keep-last', '9', '--json')
  expect(changed.json()).toMatchObject({ id, cron: '0 4 * * *', keep: { last: 9 }, timezone: 'UTC' })

  const removed = await schedule('remove', id)
  expect(removed.stdout).toContain(`apply: last 9. To remove them: telegram-backup ${letGo.join(' ')}`)
  expect((await command('retention', 'list', '--json')).json()).toEqual([
    { project_id: 'shop', type: 'logs', source: 'notes', keep: { last: 9 } },
  ])
  expect(await command(...letGo)).toMatchObject({ code: 0 })
  expect(await command(...letGo)).toMatchObject({ code: 4 })
  expect((await command('retention', 'list', '--json')).json()).toEqual([])
})

it.each([
  [
    'a source that is not there, naming those that are',
    ['add', '--source', 'other', '--cron', '* * * * *'],
    2,
    'notes',
  ],
  ['a day that never occurs', ['add', '--source', 'notes', '--cron', '0 0 31 2 *'], 2, 'never occurs'],
  ['seconds', ['add', '--source', 'notes', '--cron', '* * * * * *'], 2, 'seconds'],
  [
    'a number that is none',
    ['add', '--source', 'notes', '--cron', '* * * * *', '--keep-last', 'x'],
    2,
    '--keep-last',
  ],
  [
    'another way to catch up',
    ['add', '--source', 'notes', '--cron', '* * * * *', '--catch-up', 'all'],
    2,
    'once',
  ],
  ['a command without a time', ['add', '--source', 'notes'], 2, '--cron'],
  ['an id that nothing has', ['remove', '3f0c2c1e'], 4, 'schedule list'],
  ['what is no id', ['run', '%'], 4, 'schedule list'],
])('refuses %s', async (_, args, code, words) => {
  const run = await schedule(...args, '--json')
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: expect.stringContaining(words) })
  expect(run.json()).toMatchObject({ success: false })
})

it('has written nothing that it refused', async () => {
  expect(await listSchedules(database)).toEqual([])
})

it('doctor warns of a schedule whose source nobody here knows, where it said that no file is needed', async () => {
  const added = await schedule('add', '--source', 'notes', '--cron', '30 2 * * *', '--json')
  const env = { ...database.env, TELEGRAM_BACKUP_HOME: join(folder, 'home') }
  const elsewhere = join(folder, 'elsewhere')
  await mkdir(elsewhere)
  const warned = (await runCli(['doctor'], { env, cwd: elsewhere })).stdout
  expect(warned).toMatch(
    /Schedules back up notes, but no telegram-backup.yaml names them, neither here nor at another serve/,
  )
  expect((await command('doctor')).stdout).not.toContain('Schedules back up')
  await schedule('remove', (added.json() as ScheduleView).id)
})
