import type { DrillUnit, MemberProof, ProofFacts } from '@telegram-backup/database'
import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { drillGauges } from '#monitoring/drill-gauges.ts'
import { drillFindings, proofOf } from '#monitoring/source-proof.ts'

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number))

function member(name: string | null, fields: Partial<MemberProof> = {}): MemberProof {
  return {
    ...{ member: name, last_drill: null, is_drilled: false, last_read_at: null, last_found_at: null },
    ...fields,
  }
}

function drilled(name: string, at: Date, fields: Partial<MemberProof['last_drill']> = {}): MemberProof {
  const last_drill = {
    ...{ id: `drill of ${name}`, backup_id: 'b', finished_at: at },
    ...{ state: 'sound' as const, depth: 'contents' as const, differs: false },
    ...fields,
  }
  return member(name, { last_drill, is_drilled: last_drill.state === 'sound' })
}

function facts(...members: MemberProof[]): ProofFacts {
  const place = { project_id: 'shop', type: 'database', source_name: 'db' } as const
  return { ...place, last_good: null, sizes: [], members }
}

const failed = drilled('failed', day(9), { state: 'failed', differs: true })
const none = member('none')
const found = member('found', { last_found_at: day(8) })
const read = member('read', { last_read_at: day(7) })
const old = drilled('old', day(1), { depth: 'counts' })
const fresh = drilled('fresh', day(9))
const BY_RANK = [failed, none, found, read, old, fresh]

test('a cluster is as proven as its least proven member, in whatever order they are', () => {
  const some = fc.shuffledSubarray(BY_RANK, { minLength: 1 })
  fc.assert(
    fc.property(some, members => {
      const [least = none] = BY_RANK.filter(one => members.includes(one))
      expect(proofOf(facts(...members))).toEqual(proofOf(facts(least)))
    }),
  )
  expect(proofOf(facts(fresh, old))).toEqual({
    ...{ depth: 'counts', at: day(1), ok: true, drill_id: 'drill of old' },
  })
  expect(proofOf(facts(fresh, none))).toMatchObject({ depth: 'none', at: null, ok: null })
  expect(proofOf(facts())).toMatchObject({ depth: 'none', at: null, ok: null })
})

test('the metric of the last proof is that of the same member as the proof of the overview', async () => {
  const unitOf = ({ member: name, last_drill: drill }: MemberProof): DrillUnit =>
    ({
      ...{ project_id: 'shop', type: 'database', source_name: 'db', member: name, within_ms: null },
      ...{ since: null, measured: [], last_drill: drill && { state: drill.state, at: drill.finished_at } },
      ...{ proven_at: drill?.finished_at ?? null, proven_depth: drill?.depth ?? null },
    }) as unknown as DrillUnit
  const shown = async (members: MemberProof[]): Promise<unknown[]> => {
    const registry = new Registry()
    drillGauges(registry, 10).show(members.map(unitOf))
    const metric = await registry.getSingleMetric('telegram_backup_last_proof_timestamp_seconds')?.get()
    return (metric?.values ?? []).map(({ labels, value }) => [labels['depth'], new Date(value * 1000)])
  }
  for (const members of [[fresh, old], [old, fresh], [fresh]]) {
    const { depth, at } = proofOf(facts(...members))
    expect(await shown(members)).toEqual([[depth, at]])
  }
  expect(await shown([fresh, none])).toEqual([])
})

test('a member whose drill differs breaks its source, whatever the drills of other members found', () => {
  expect(drillFindings(facts(failed, fresh))).toMatchObject([
    { state: 'broken', reason: { code: 'drill_differs', text: expect.stringContaining('(member failed)') } },
  ])
  const again = { ...failed, is_drilled: true }
  expect(drillFindings(facts(fresh, again))).toMatchObject([
    { state: 'attention', reason: { code: 'drill_failed' } },
  ])
  expect(drillFindings(facts(fresh, old, none))).toEqual([])
})
