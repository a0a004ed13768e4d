import type { MemberProof, ProofFacts } from '@telegram-backup/database'
import type { Finding } from '#monitoring/state-findings.ts'

/** How far the last proof of a source looked, from nothing to every row or byte as at the source. */
export const PROOF_DEPTHS = ['none', 'messages', 'bytes', 'restored', 'counts', 'dump', 'contents'] as const

/**
 * The last proof by a backup that still exists. A drill comes before a reading, a reading before a look.
 */
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
  return leastProven((facts?.members ?? []).map(proofOfMember), proof => proof) ?? NO_PROOF
}

/**
 * The member that is least proven: a source is as proven as that one. One whose drill failed comes before one
 * without any proof, then those without a drill, then the one with the oldest drill. Undefined for none.
 */
export function leastProven<Member>(
  members: readonly Member[],
  proof: (member: Member) => Pick<Proof, 'depth' | 'at' | 'ok'>,
): Member | undefined {
  const rankOf = ({ depth, ok }: Pick<Proof, 'depth' | 'ok'>): number => {
    if (ok === false) return -1
    // How far drills compare depends on the kind of member.
    return Math.min(PROOF_DEPTHS.indexOf(depth), PROOF_DEPTHS.indexOf('restored'))
  }
  const [least] = members
    .map(member => ({ member, rank: rankOf(proof(member)), at: proof(member).at?.getTime() ?? 0 }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
  return least?.member
}

function proofOfMember({ last_drill: drill, last_read_at, last_found_at }: MemberProof): Proof {
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
 * none; of a source with members, of another backup of the same member. Every other failure of a drill needs
 * a look: it may be due to the place of the drill. A source with a name has that as a condition, too; backups
 * that were sent by hand have no conditions.
 */
export function drillFindings(facts: ProofFacts | undefined): Finding[] {
  return (facts?.members ?? []).flatMap(findingsOfMember)
}

function findingsOfMember({ member, last_drill: drill, is_drilled }: MemberProof): Finding[] {
  if (drill === null || drill.state !== 'failed') return []
  const backup = `backup ${drill.backup_id.slice(0, 8)}${member === null ? '' : ` (member ${member})`}`
  const since = drill.finished_at
  if (drill.differs && !is_drilled) {
    const text = `What the last drill restored, of ${backup}, differs from the source, and no other backup was proven by a drill`
    return [{ state: 'broken', reason: { code: 'drill_differs', text, since } }]
  }
  const text = drill.differs
    ? `What the last drill restored, of ${backup}, differs from the source; a drill has proven another backup`
    : `The last drill could not restore ${backup}`
  return [{ state: 'attention', reason: { code: 'drill_failed', text, since } }]
}
