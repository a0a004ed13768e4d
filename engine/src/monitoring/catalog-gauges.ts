import { JOB_KINDS, JOB_STATES, type PackAges, type QueueFacts } from '@telegram-backup/database'
import { Gauge, type Registry } from 'prom-client'
import { CONDITION_KINDS } from '#config/condition-kinds.ts'
import { bucketGauges } from '#monitoring/bucket-gauges.ts'
import { drillGauges } from '#monitoring/drill-gauges.ts'
import type { OverviewFacts } from '#monitoring/overview-facts.ts'
import { MOST_SOURCES, sourceGauges } from '#monitoring/source-gauges.ts'
import { stateGauges } from '#monitoring/state-gauges.ts'
import type { IntervalOf } from '#monitoring/watch-facts.ts'

export interface CatalogFacts {
  overview: OverviewFacts
  queue: QueueFacts
  packAges: PackAges[]
}

/**
 * Gauges with the state of the catalog. During an outage of the catalog they keep their last values, so that
 * a late source does not seem to be gone.
 */
export function catalogGauges(
  registry: Registry,
  intervalOf: IntervalOf,
): { show(facts: CatalogFacts): void } {
  const ofSources = sourceGauges(registry, intervalOf)
  const ofStates = stateGauges(registry, MOST_SOURCES)
  const ofDrills = drillGauges(registry, MOST_SOURCES)
  const ofBuckets = bucketGauges(registry, MOST_SOURCES)
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Gauge<Label> => new Gauge({ name: `telegram_backup_${name}`, help, labelNames, registers: [registry] })
  const backups = gauge('backups', 'Backups by state', ['state'])
  const jobs = gauge('jobs', 'Jobs by kind and state; those that ended long ago are gone', ['kind', 'state'])
  const depth = gauge('queue_depth', 'Jobs that wait', ['kind'])
  const oldest = gauge(
    'queue_oldest_age_seconds',
    'How long the oldest due job has waited; 0 when none waits',
    ['kind'],
  )
  const eraseFailures = gauge('erase_failures', 'Messages that should be erased and could not be', [])
  const notices = gauge('notices_waiting', 'Notices that were not delivered yet', ['channel'])
  const noticeAge = gauge(
    'notices_oldest_age_seconds',
    'How long the oldest notice has waited for delivery; 0 when none waits',
    ['channel'],
  )
  const alerts = gauge('alerts_open', 'Alerts that are open now', ['kind'])
  return {
    show: facts => {
      const { queue, overview } = facts
      ofSources.show(overview.watched.sources, overview.watched.schedules)
      ofStates.show(overview.sources)
      ofDrills.show(overview.watched.drills)
      ofBuckets.show(overview.buckets, facts.packAges)
      for (const [state, count] of Object.entries(queue.backups)) backups.set({ state }, count)
      for (const kind of JOB_KINDS) {
        const count = (state: string): number =>
          queue.jobs.find(one => one.kind === kind && one.state === state)?.count ?? 0
        for (const state of JOB_STATES) jobs.set({ kind, state }, count(state))
        depth.set({ kind }, count('queued'))
        oldest.set({ kind }, (queue.waiting.find(one => one.kind === kind)?.oldest_ms ?? 0) / 1000)
      }
      eraseFailures.set(queue.erase_failures)
      for (const channel of ['chat', 'webhook'] as const) {
        const waiting = queue.notices.find(one => one.channel === channel)
        notices.set({ channel }, waiting?.count ?? 0)
        noticeAge.set({ channel }, (waiting?.oldest_ms ?? 0) / 1000)
      }
      for (const kind of CONDITION_KINDS) {
        alerts.set({ kind }, overview.watched.alerts.filter(alert => alert.kind === kind).length)
      }
    },
  }
}
