import { type EvidenceRecord, readEvidence } from '@telegram-backup/archive'
import { type Database, type Evidence, evidenceMessages, reviewsOf } from '@telegram-backup/database'

/** A record in a list, as both faces show it. */
export type EvidenceSummary = Omit<Evidence, 'envelope' | 'verification_id' | 'at'> & {
  /** Of the verification that the drill was; null for a review. */
  drill_id: string | null
  at: Date
}

export interface EvidenceReview {
  id: string
  number: number
  at: Date
  name: string
  note: string
}

export interface EvidenceDetails extends EvidenceSummary {
  /** What was signed. */
  record: EvidenceRecord
  /** The signed text, byte by byte, with its signature and key. */
  signed: Record<string, string>
  reviews: EvidenceReview[]
  /** Where it is; `sent_at` is the time of Telegram. */
  messages: { chat_id: string; message_id: number; sent_at: Date | null }[]
}

export function evidenceSummary(evidence: Evidence): EvidenceSummary {
  const { envelope: _, verification_id: drill_id, ...shown } = evidence
  return { ...shown, drill_id }
}

/** A record with all that belongs to it. Throws `INTEGRITY` when it was changed in the catalog. */
export async function evidenceDetails(database: Database, evidence: Evidence): Promise<EvidenceDetails> {
  const { record } = readEvidence(evidence.envelope)
  const reviews = await reviewsOf(database, evidence.id)
  const messages = await evidenceMessages(database, evidence.id)
  return {
    ...evidenceSummary(evidence),
    record,
    signed: JSON.parse(evidence.envelope),
    reviews: reviews.flatMap(reviewIn),
    messages: messages.map(({ chat_id, message_id, sent_at }) => ({ chat_id, message_id, sent_at })),
  }
}

function reviewIn({ envelope, at }: Evidence): EvidenceReview[] {
  const { record } = readEvidence(envelope)
  if (record.kind !== 'review') return []
  const { id, number, name, note } = record
  return [{ id, number, at, name, note }]
}
