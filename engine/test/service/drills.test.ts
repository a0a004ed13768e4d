import { randomUUID } from 'node:crypto'
import {
  acquireLease,
  type Backup,
  beginVerification,
  type DrillDecision,
  type DrillUnit,
  drillUnits,
  finishVerification,
  getBackupById,
  type JsonObject,
  measuredDrills,
  noteService,
  planDrill,
  type SourcePlace,
} from '@telegram-backup/database'
import { openVerifiedVault, type VerifiedVault } from '@telegram-backup/test-support/verified-vault.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { durationsOf, restoreSecondsOf, restoreTimeOf } from '#proof/restore-time.ts'

interface Wish extends SourcePlace {
  within_ms: number | null
}

const DB: Wish = { project_id: 'shop', type: 'storage', source_name: 'db', within_ms: 3_600_000 }
const OTHER: Wish = { ...DB, source_name: 'other' }
const SERVE = randomUUID()
const ANOTHER = randomUUID()

let v: VerifiedVault
let ids: string[]

beforeAll(async () => {
  v = await openVerifiedVault()
  ids = [await v.send(1000), await v.send(2000), await v.send(1000)]
})

beforeEach(async () => {
  const { kysely } = v.database
  for (const table of ['jobs', 'verifications', 'drill_plans', 'services'] as const)
    await kysely.deleteFrom(table).execute()
  for (const [index, id] of ids.entries()) {
    await change(id, {
      ...{ source_name: index < 2 ? 'db' : 'other', damaged_at: null, group_id: null, member: null },
      ...{ group_size: null, created_at: new Date(Date.now() - (3 - index) * 60_000) },
    })
  }
})

afterAll(() => v.close())

const deliver = async (): Promise<void> => {}
const first = ({ units }: { units: readonly DrillUnit[] }): DrillDecision => ({
  drill: units[0],
  waiting: [],
})

const nothing = (): DrillDecision => ({ waiting: [] })

async function declare(id: string, wishes: readonly Wish[]): Promise<void> {
  const sources = wishes.map(({ source_name: name, within_ms: drill_within_ms, ...place }) => ({
    ...{
      name,
      ...place,
      kind: 'file',
      is_usable: true,
      no_backup_for_ms: null,
      drill_within_ms,
      proof: null,
    },
  }))
  const declared = { sources, targets: [] }
  await noteService(v.database, { id, sources: sources.map(({ name }) => name), targets: [], declared })
}

async function change(id: string | undefined, fields: Partial<Backup>): Promise<void> {
  const { source: _, ...set } = fields
  await v.database.kysely.updateTable('backups').set(set).where('id', '=', String(id)).execute()
}

/** A drill that has ended. */
async function drilled(
  id: string | undefined,
  end: Pick<Parameters<typeof finishVerification>[1], 'state'> & {
    code?: string
    report?: JsonObject
  },
): Promise<void> {
  const lease = await acquireLease(v.database, { subject: String(id), purpose: 'verify' })
  const verificationId = await beginVerification(v.database, {
    ...{ backupId: String(id), kind: 'drill', leaseToken: lease?.token ?? '' },
  })
  await finishVerification(v.database, {
    verificationId,
    parts: 1,
    bytes: 1,
    findings: [],
    depth: 'counts',
    ...end,
  })
  await lease?.release()
}

it('makes one drill of the newest undamaged backup, however many processes choose at once', async () => {
  await declare(SERVE, [DB])
  const looks = Array.from({ length: 4 }, () =>
    planDrill(v.database, {
      own: [DB],
      decide: facts => (facts.units[0]?.is_drilling ? { waiting: [] } : first(facts)),
      deliver,
    }),
  )
  const jobs = (await Promise.all(looks)).filter(job => job !== undefined)
  expect(jobs).toMatchObject([
    {
      kind: 'drill',
      backup_id: ids[1],
      source: 'db',
      target: null,
      actor: 'drills',
      options: { planned: true },
    },
  ])
  expect(
    (await drillUnits(v.database)).map(({ source_name, is_drilling }) => [source_name, is_drilling]),
  ).toEqual([
    ['db', true],
    ['other', false],
  ])
  await change(ids[1], { damaged_at: new Date() })
  expect((await drillUnits(v.database))[0]).toMatchObject({
    backup_id: ids[0],
    size: 1000,
    within_ms: 3_600_000,
  })
})

it('keeps since when a proof is wanted, and why a drill waits, until no serve wants it', async () => {
  await declare(SERVE, [DB, OTHER])
  await planDrill(v.database, { own: [], decide: nothing, deliver })
  const [before, other] = await drillUnits(v.database)
  expect(before).toMatchObject({ within_ms: 3_600_000, since: expect.any(Date) })
  const waiting = ({ units }: { units: readonly DrillUnit[] }): DrillDecision => ({
    waiting: [{ unit: units[0] as DrillUnit, reason: 'the disk is full' }],
  })
  await declare(SERVE, [{ ...DB, within_ms: 60_000 }, OTHER])
  await planDrill(v.database, { own: [DB], decide: waiting, deliver })
  expect((await drillUnits(v.database))[0]).toMatchObject({
    ...{ since: before?.since, within_ms: 60_000, waits_for: 'the disk is full' },
  })
  await planDrill(v.database, { own: [DB], decide: nothing, deliver })
  expect((await drillUnits(v.database))[0]).toMatchObject({ waits_for: null })
  await declare(SERVE, [{ ...DB, within_ms: null }, OTHER])
  await planDrill(v.database, { own: [OTHER], decide: nothing, deliver })
  expect(await drillUnits(v.database)).toMatchObject([
    { source_name: 'db', within_ms: null, since: null },
    { source_name: 'other', within_ms: 3_600_000, since: other?.since },
  ])
})

it('of several machines that name a source, one without a wish changes nothing, and the shortest limit counts', async () => {
  await declare(SERVE, [DB])
  await planDrill(v.database, { own: [DB], decide: nothing, deliver })
  const [before] = await drillUnits(v.database)
  await declare(ANOTHER, [{ ...DB, within_ms: null }])
  await planDrill(v.database, { own: [], decide: nothing, deliver })
  expect((await drillUnits(v.database))[0]).toMatchObject({ within_ms: 3_600_000, since: before?.since })
  await declare(ANOTHER, [{ ...DB, within_ms: 7_200_000 }])
  expect((await drillUnits(v.database))[0]).toMatchObject({ within_ms: 3_600_000, since: before?.since })
})

it('knows the last proof of a source, and its last drill that showed anything', async () => {
  const phases = { fetch_seconds: 1, open_seconds: 2, restore_seconds: 3, compare_seconds: 4 }
  await drilled(ids[0], { state: 'sound', report: { phases } })
  await drilled(ids[1], { state: 'failed', code: 'UNREACHABLE' })
  const [unit] = await drillUnits(v.database)
  expect(unit).toMatchObject({ backup_id: ids[1], last_drill: { state: 'sound' }, proven_depth: 'counts' })
  expect(durationsOf(unit?.measured[0]?.report)).toEqual(phases)
  await drilled(ids[1], { state: 'failed', code: 'DIFFERENT' })
  expect((await drillUnits(v.database))[0]).toMatchObject({
    ...{ proven_at: unit?.proven_at, last_drill: { state: 'failed', code: 'DIFFERENT' } },
  })
  const of = { project_id: 'shop', type: 'storage', source_name: 'db', member: null } as const
  expect(await measuredDrills(v.database, of, { limit: 5 })).toMatchObject([
    { backup_id: ids[0], size: 1000 },
  ])
  expect(await measuredDrills(v.database, { ...of, source_name: 'other' }, { limit: 5 })).toEqual([])
})

it('a drill job that its key might not ask for is no try and no failure', async () => {
  const failJob = async (code: string): Promise<void> => {
    await sql`
      insert into control_plane.jobs (kind, state, project_id, source, backup_id, error, error_code, started_at, finished_at)
      values ('drill', 'failed', 'shop', 'db', ${ids[1]}, 'no', ${code}, now(), now())`.execute(
      v.database.kysely,
    )
  }
  await failJob('FORBIDDEN')
  expect((await drillUnits(v.database))[0]).toMatchObject({ tried_at: null, failure: null })
  await failJob('POSTGRES')
  expect((await drillUnits(v.database))[0]).toMatchObject({
    ...{ tried_at: expect.any(Date), failure: { code: 'POSTGRES' } },
  })
})

it('the overview expects of a restore what show expects: the slowest of the last three drills', async () => {
  const of = await getBackupById(v.database, String(ids[1]))
  for (const restore_seconds of [90, 60, 20, 40]) {
    const phases = { fetch_seconds: 1, open_seconds: 2, restore_seconds, compare_seconds: 4 }
    await drilled(ids[1], { state: 'sound', report: { phases } })
  }
  const [unit] = await drillUnits(v.database)
  expect(restoreSecondsOf(unit === undefined ? [] : [unit])).toBe(63)
  expect(of && (await restoreTimeOf(v.database, of))).toMatchObject({ seconds: 63 })
})

it('counts each member of the newest run of a group by itself', async () => {
  const group = { group_id: randomUUID(), group_size: 2 }
  await change(ids[0], { ...group, member: 'a' })
  await change(ids[1], { ...group, member: 'b' })
  await drilled(ids[0], { state: 'sound' })
  const units = (await drillUnits(v.database)).filter(({ source_name }) => source_name === 'db')
  expect(units).toMatchObject([
    { member: 'a', backup_id: ids[0], proven_at: expect.any(Date) },
    { member: 'b', backup_id: ids[1], proven_at: null },
  ])
})
