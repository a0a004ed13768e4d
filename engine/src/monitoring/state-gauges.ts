import { Gauge, type Registry } from 'prom-client'
import type { SourceState } from '#monitoring/source-states.ts'
import { OVERVIEW_STATES } from '#monitoring/state-findings.ts'

const LABELS = ['project', 'type', 'source'] as const

/** Gauges of the states that the overview shows, of the first `most` sources. */
export function stateGauges(
  registry: Registry,
  most: number,
): { show(sources: readonly SourceState[]): void } {
  const registers = [registry]
  const state = new Gauge({
    name: 'telegram_backup_source_state',
    help: 'Whether the source can be restored, as in the overview: 0 ok, 1 attention, 2 broken',
    labelNames: LABELS,
    registers,
  })
  const good = new Gauge({
    name: 'telegram_backup_last_good_timestamp_seconds',
    help: 'When the newest complete backup without known damage was made',
    labelNames: LABELS,
    registers,
  })
  return {
    show: sources => {
      state.reset()
      good.reset()
      for (const source of sources.slice(0, most)) {
        const labels = {
          project: source.project_id ?? '',
          type: source.type ?? '',
          source: source.source ?? '',
        }
        state.set(labels, OVERVIEW_STATES.indexOf(source.state))
        if (source.last_good !== null) good.set(labels, source.last_good.created_at.getTime() / 1000)
      }
    },
  }
}
