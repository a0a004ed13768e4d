import { randomUUID } from 'node:crypto'
import {
  acquireLease,
  type Backup,
  beginVerification,
  type DeclaredDrill,
  type DrillDecision,
  type DrillUnit,
  declareDrills,
  drillUnits,
  finishVerification,
  type JsonObject,
  measuredDrills,
  planDrill,
} from '@telegram-backup/database'
import { openVerifiedVault, type VerifiedVault } from '@telegram-backup/test-support/verified-vault.ts'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { readConfig } from '#environment.ts'
import { durationsOf } from '#proof/restore-time.ts'
import { declaredDrills } from '#service/drills.ts'

const DB: DeclaredDrill = { project_id: 'shop', type: 'storage', source_name: 'db', within_ms: 3_600_000 }
const OTHER: DeclaredDrill = { ...DB, source_name: 'other' }

let v: VerifiedVault
let ids: string[]

beforeAll(async () => {
  v = await openVerifiedVault()
  ids = [await v.send(1000), await v.send(2000), await v.send(1000)]
})

beforeEach(async () => {
  const { kysely } = v.database
  for (const table of ['jobs', 'verifications', 'drill_plans'] as const)
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
  const looks = Array.from({ length: 4 }, () =>
    planDrill(v.database, {
      declared: [DB],
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

it('keeps since when a proof is wanted, and why a drill waits, until the file says off', async () => {
  await declareDrills(v.database, [DB, OTHER])
  const [before] = await drillUnits(v.database)
  const waiting = ({ units }: { units: readonly DrillUnit[] }): DrillDecision => ({
    waiting: [{ unit: units[0] as DrillUnit, reason: 'the disk is full' }],
  })
  await planDrill(v.database, { declared: [{ ...DB, within_ms: 60_000 }], decide: waiting, deliver })
  expect((await drillUnits(v.database))[0]).toMatchObject({
    ...{ since: before?.since, within_ms: 60_000, waits_for: 'the disk is full' },
  })
  await planDrill(v.database, { declared: [DB], decide: () => ({ waiting: [] }), deliver })
  expect((await drillUnits(v.database))[0]).toMatchObject({ waits_for: null })
  await declareDrills(v.database, [{ ...DB, within_ms: null }])
  expect(await drillUnits(v.database)).toMatchObject([
    { source_name: 'db', within_ms: null, since: null },
    { source_name: 'other', within_ms: 3_600_000 },
  ])
  const old = new Date(Date.now() - 2 * 86_400_000)
  await v.database.kysely.updateTable('drill_plans').set({ declared_at: old }).execute()
  await declareDrills(v.database, [DB])
  expect(await drillUnits(v.database)).toMatchObject([{ within_ms: 3_600_000 }, { within_ms: null }])
})

it('knows the last proof of a source, and its last drill that showed anything', async () => {
  const phases = { fetch_seconds: 1, open_seconds: 2, restore_seconds: 3, compare_seconds: 4 }
  await drilled(ids[0], { state: 'sound', report: { phases } })
  await drilled(ids[1], { state: 'failed', code: 'UNREACHABLE' })
  const [unit] = await drillUnits(v.database)
  expect(unit).toMatchObject({ backup_id: ids[1], last_drill: { state: 'sound' }, proven_depth: 'counts' })
  expect(durationsOf(unit?.proof?.report)).toEqual(phases)
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

it('drills by themselves are wanted where a key is, unless the file says otherwise', () => {
  const key = readConfig({ BACKUP_AGE_IDENTITY_FILE: '/key' })
  const none = readConfig({})
  const sources: Record<string, object> = {
    plain: { project: 'shop', type: 'database', postgres: 'postgresql://localhost/x' },
    own: { project: 'shop', type: 'database', postgres: 'postgresql://localhost/x', drill_within: '7d' },
    off: { project: 'shop', type: 'storage', directory: '/srv', drill_within: 'off' },
    file: { project: 'shop', type: 'storage', file: '/srv/x' },
  }
  const wanted = (config: typeof key, drillWithinMs?: number | null) =>
    declaredDrills(
      {
        sourceNames: Object.keys(sources),
        source: name => sources[name] ?? {},
        verification: { readAllWithinMs: null, messagesPerHour: 300, drillWithinMs },
      },
      config,
    ).map(({ within_ms }) => within_ms)
  const DAY_MS = 86_400_000
  expect(wanted(key)).toEqual([30 * DAY_MS, 7 * DAY_MS, null, null])
  // Without a word in the file: another serve may have the key, and this one must not take back its wish.
  expect(wanted(none)).toEqual([7 * DAY_MS, null, null])
  expect(wanted(none, DAY_MS)).toEqual([DAY_MS, 7 * DAY_MS, null, null])
  expect(wanted(key, null)).toEqual([null, 7 * DAY_MS, null, null])
})
