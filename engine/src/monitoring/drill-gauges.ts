import type { DrillUnit } from '@telegram-backup/database'
import { Gauge, type Registry } from 'prom-client'
import { leastProven } from '#monitoring/source-proof.ts'
import { durationsOf } from '#proof/restore-time.ts'
import { overdueAt } from '#verification/plan-drills.ts'

const NOT_PROVEN = { at: null, ok: null, depth: 'none' } as const
const LABELS = ['project', 'type', 'source'] as const

/** Gauges of the drills of every source; of several members, the one that is worst off. */
export function drillGauges(
  registry: Registry,
  mostSources: number,
): { show(units: readonly DrillUnit[]): void } {
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Gauge<Label> => new Gauge({ name: `telegram_backup_${name}`, help, labelNames, registers: [registry] })
  const proven = gauge(
    'last_proof_timestamp_seconds',
    'When a drill last found no difference, by how far it looked',
    [...LABELS, 'depth'],
  )
  const isGood = gauge('last_drill_ok', 'Whether the drill that ended last found no difference', LABELS)
  const duration = gauge('last_drill_duration_seconds', 'How long the phases of the last good drill took', [
    ...LABELS,
    'phase',
  ])
  const within = gauge('drill_within_seconds', 'The time in which each source is to have a proof', LABELS)
  const due = gauge(
    'drill_overdue_timestamp_seconds',
    'When the source is overdue without another drill',
    LABELS,
  )
  return {
    show: units => {
      // Removes sources that are gone.
      for (const one of [proven, isGood, duration, within, due]) one.reset()
      for (const members of sourcesOf(units).slice(0, mostSources))
        showSource(members, { proven, isGood, duration, within, due })
    },
  }
}

type Members = readonly [DrillUnit, ...DrillUnit[]]

function showSource(
  members: Members,
  to: Record<'isGood' | 'within' | 'due', Gauge<(typeof LABELS)[number]>> & {
    proven: Gauge<(typeof LABELS)[number] | 'depth'>
    duration: Gauge<(typeof LABELS)[number] | 'phase'>
  },
): void {
  const [{ project_id: project, type, source_name: source, within_ms }] = members
  const labels = { project, type, source }
  const least = leastProven(members, ({ proven_at: at, proven_depth }) => {
    // Drills of earlier versions did not record what they compared.
    return at === null ? NOT_PROVEN : { at, ok: true, depth: proven_depth ?? 'restored' }
  })
  if (least?.proven_at != null && least.proven_depth !== null)
    to.proven.set({ ...labels, depth: least.proven_depth }, least.proven_at.getTime() / 1000)
  const ended = members.flatMap(({ last_drill }) => last_drill ?? [])
  if (ended.length > 0) to.isGood.set(labels, ended.every(({ state }) => state === 'sound') ? 1 : 0)
  for (const { measured } of members) {
    for (const [phase, seconds] of Object.entries(durationsOf(measured[0]?.report) ?? {}))
      to.duration.inc({ ...labels, phase: phase.replace('_seconds', '') }, seconds)
  }
  if (within_ms !== null) to.within.set(labels, within_ms / 1000)
  const times = members.flatMap(unit => overdueAt(unit)?.getTime() ?? [])
  if (times.length > 0) to.due.set(labels, Math.min(...times) / 1000)
}

function sourcesOf(units: readonly DrillUnit[]): Members[] {
  const sources = Map.groupBy(units, ({ project_id, type, source_name }) =>
    JSON.stringify([project_id, type, source_name]),
  )
  return [...sources.values()] as unknown as Members[]
}
