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
 * A drill that found a difference breaks a source, unless a drill of another backup that still exists found
 * none. Every other failure of a drill needs a look: it may be due to the place of the drill. A source with a
 * name has that as a condition, too; backups that were sent by hand have no conditions.
 */
export function drillFindings(facts: ProofFacts | undefined): Finding[] {
  const drill = facts?.last_drill ?? null
  if (facts === undefined || drill === null || drill.state !== 'failed') return []
  const backup = `backup ${drill.backup_id.slice(0, 8)}`
  const since = drill.finished_at
  if (drill.differs && !facts.is_drilled) {
    const text = `What the last drill restored, of ${backup}, differs from the source, and no other backup was proven by a drill`
    return [{ state: 'broken', reason: { code: 'drill_differs', text, since } }]
  }
  const text = drill.differs
    ? `What the last drill restored, of ${backup}, differs from the source; a drill has proven another backup`
    : `The last drill could not restore ${backup}`
  return [{ state: 'attention', reason: { code: 'drill_failed', text, since } }]
}
