import type { ProofFacts } from '@telegram-backup/database'
import type { Finding } from '#monitoring/state-findings.ts'

/** How far the last proof of a source looked, from nothing to every row or byte as at the source. */
export const PROOF_DEPTHS = ['none', 'messages', 'bytes', 'restored', 'counts', 'dump', 'contents'] as const

/** The last proof by a backup that still exists. A drill comes before a reading, a reading before a look. */
export type Proof = {
  depth: (typeof PROOF_DEPTHS)[number]
  /** Null for none. */
  at: Date | null
  /** False for a drill that failed or found a difference; null for none. */
  ok: boolean | null
  drill_id: string | null
}

const NO_PROOF: Proof = { depth: 'none', at: null, ok: null, drill_id: null }

export function proofOf(facts: ProofFacts | undefined): Proof {
  if (facts === undefined) return NO_PROOF
  const { last_drill: drill, last_read_at, last_found_at } = facts
  if (drill !== null) {
    const ok = drill.state === 'sound'
    // Drills of earlier versions did not record what they compared.
    const depth = drill.depth ?? (ok ? 'restored' : 'none')
    return { depth, at: drill.finished_at, ok, drill_id: drill.id }
  }
  if (last_read_at !== null) return { depth: 'bytes', at: last_read_at, ok: true, drill_id: null }
  if (last_found_at !== null) return { depth: 'messages', at: last_found_at, ok: true, drill_id: null }
  return NO_PROOF
}

/**
 * What the last drill found wrong. A difference is worse than a failure, which may be due to the place of the
 * drill: the source is broken, unless a drill of another backup that still exists found none.
 */
export function drillFindings(facts: ProofFacts | undefined): Finding[] {
  const drill = facts?.last_drill ?? null
  if (facts === undefined || drill === null || drill.state === 'sound') return []
  const since = drill.finished_at
  const of = `of backup ${drill.backup_id.slice(0, 8)}`
  if (!drill.differs) {
    const why = drill.error === null ? '' : `: ${drill.error.slice(0, 500)}`
    return [
      {
        state: 'attention',
        reason: { code: 'drill_failed', text: `The last drill, ${of}, failed${why}`, since },
        publicText: `The last drill, ${of}, failed`,
      },
    ]
  }
  const other = facts.is_drilled
    ? 'another backup was proven by a drill'
    : 'no other backup was proven by a drill'
  return [
    {
      state: facts.is_drilled ? 'attention' : 'broken',
      reason: {
        code: 'drill_differs',
        text: `What the last drill restored, ${of}, differs from the source; ${other}`,
        since,
      },
    },
  ]
}
