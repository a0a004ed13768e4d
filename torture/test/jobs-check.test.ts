import { expect, test } from 'vitest'
import { type Asked, jobsCheck } from '#torture/judge/jobs-check.ts'
import type { Row } from '#torture/world/catalog-server.ts'
import type { World } from '#torture/world/world.ts'

const [JOB, BACKUP] = ['the job', 'the backup']

const job = (facts: Row = {}): Row => ({
  id: JOB,
  kind: 'backup',
  state: 'done',
  source: 'disk',
  backup_id: BACKUP,
  error: null,
  error_code: null,
  cancel_requested_at: null,
  ...facts,
})
const end = (after = 'done', before = 'running'): Row => ({ job_id: JOB, before, after })
const backup = (state = 'complete'): Row => ({ id: BACKUP, state, source_name: 'disk' })

function worldOf(
  rows: { jobs: Row[]; ends: Row[]; backups: Row[]; leases?: Row[] },
  resumed: World['resumed'] = [],
): World {
  const { jobs, ends, backups, leases = [] } = rows
  const answers: Array<[RegExp, Row[]]> = [
    [/\.jobs/, jobs],
    [/\.ends/, ends],
    [/\.backups/, backups],
    [/\.leases/, leases],
  ]
  return {
    catalog: { rows: async (sql: string) => answers.find(([table]) => table.test(sql))?.[1] },
    human: { deleted: new Set(), pinned: false },
    former: [],
    resumed,
  } as unknown as World
}

const asked: Asked[] = [{ kind: 'backup', jobId: JOB }]
const facts = { asked, lately: asked, isFair: true }

test('a job that ended once, with its backup, is in order', async () => {
  const world = worldOf({ jobs: [job()], ends: [end()], backups: [backup()] })
  expect(await jobsCheck(world, facts)).toEqual([])
})

test.each([
  [
    'a job that ended twice',
    { jobs: [job()], ends: [end(), end()], backups: [backup()] },
    'has ended 2 times',
  ],
  [
    'a job that was begun again after its end',
    { jobs: [job()], ends: [end(), end('queued', 'done')], backups: [backup()] },
    'was done, then queued',
  ],
  [
    'a job that is done without a backup',
    { jobs: [job()], ends: [end()], backups: [backup('failed')] },
    'is done',
  ],
  [
    'a cancelled job whose backup is whole',
    {
      jobs: [job({ state: 'cancelled', cancel_requested_at: 'then' })],
      ends: [end('cancelled')],
      backups: [backup()],
    },
    'is cancelled',
  ],
  [
    'a job that failed since its process died',
    {
      jobs: [job({ state: 'failed', error: 'cut off', error_code: 'INTERRUPTED' })],
      ends: [end('failed')],
      backups: [],
    },
    'only processes were lost',
  ],
  [
    'an upload that failed since its process died, and whose backup is whole',
    {
      jobs: [job({ state: 'failed', source: null, error: 'cut off', error_code: 'INTERRUPTED' })],
      ends: [end('failed')],
      backups: [{ ...backup(), source_name: null }],
    },
    'is failed, its backup complete',
  ],
  [
    'two backups of one job',
    { jobs: [job()], ends: [end()], backups: [backup(), { ...backup(), id: 'another' }] },
    'backup another of disk is of 0 jobs',
  ],
  [
    'a lease of a job that has ended',
    { jobs: [job()], ends: [end()], backups: [backup()], leases: [{ subject: JOB }] },
    'a lease of job',
  ],
  ['a job that is gone', { jobs: [], ends: [], backups: [] }, 'lost: the backup job'],
])('shows %s', async (_, rows, words) => {
  expect((await jobsCheck(worldOf(rows), facts)).join('\n')).toContain(words)
})

test('a person who resumes the backup of a job may send its source anew, once', async () => {
  const anew = (id: string): Row => ({ ...backup(), id })
  const rows = { jobs: [job()], ends: [end()], backups: [backup(), anew('anew')] }
  const resumed = [{ backupId: 'of a cancelled job', source: 'disk' }]
  expect(await jobsCheck(worldOf(rows, resumed), facts)).toEqual([])
  expect(await jobsCheck(worldOf(rows, [{ backupId: 'of another', source: 'notes' }]), facts)).toEqual([
    'job: backup anew of disk is of 0 jobs',
  ])
  const twice = { ...rows, backups: [...rows.backups, anew('another')] }
  expect(await jobsCheck(worldOf(twice, resumed), facts)).toEqual([
    'job: backup another of disk is of 0 jobs',
  ])
})

test('a job that failed may have a whole backup when a person has resumed it', async () => {
  const rows = {
    jobs: [job({ state: 'failed', error: 'the file is away', error_code: 'SOURCE' })],
    ends: [end('failed')],
    backups: [backup()],
  }
  const of = { ...facts, isFair: false }
  expect(await jobsCheck(worldOf(rows), of)).toEqual([expect.stringContaining('its backup complete')])
  expect(await jobsCheck(worldOf(rows, [{ backupId: BACKUP, source: 'disk' }]), of)).toEqual([])
})

test('shows a request that made two jobs', async () => {
  const jobs = [job(), job({ id: 'another', backup_id: 'its own' })]
  const ends = [end(), { ...end(), job_id: 'another' }]
  const backups = [backup(), { ...backup(), id: 'its own' }]
  expect(await jobsCheck(worldOf({ jobs, ends, backups }), facts)).toEqual([
    'twice: 2 backup jobs of 1 requests',
  ])
})
