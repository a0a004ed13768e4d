import { z } from 'zod'
import { PROJECT_ID, TIME, TIME_OR_NULL, TYPE, UUID } from '#http/schemas/terms.ts'

const HASH = z.string().regex(/^[0-9a-f]{64}$/)

const SUMMARY = {
  id: UUID,
  number: z.int().min(1).meta({ description: 'Its place in the chain of its catalog.' }),
  catalog_id: UUID,
  kind: z.enum(['drill', 'review']),
  at: TIME,
  project_id: PROJECT_ID,
  type: TYPE,
  source_name: z.string().nullable(),
  backup_id: UUID,
  drill_id: UUID.nullable().meta({ description: 'The verification; null for a review.' }),
  reviewed_id: UUID.nullable().meta({ description: 'The record that a review is of.' }),
  outcome: z.string().nullable().meta({
    description: 'passed, not compared, differs, or not restored; null for a review.',
  }),
  sha256: HASH.meta({ description: 'Of the signed text.' }),
  previous: HASH.nullable().meta({ description: 'Hash of the record before.' }),
  signer: z.string().meta({ description: 'Fingerprint of the key.' }),
}

export const EVIDENCE_PAGE: z.ZodType = z
  .object({
    items: z.array(z.looseObject(SUMMARY).meta({ id: 'Evidence' })),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'EvidencePage' })

export const EVIDENCE_DETAILS: z.ZodType = z
  .looseObject({
    ...SUMMARY,
    record: z.looseObject({}).meta({ description: 'What was signed; see docs/format.md.' }),
    signed: z.looseObject({
      evidence: z.string().meta({ description: 'The signed text, byte by byte.' }),
      signature: z.string(),
      publicKey: z.string(),
    }),
    reviews: z.array(
      z.looseObject({ id: UUID, number: z.int().min(1), at: TIME, name: z.string(), note: z.string() }),
    ),
    messages: z.array(
      z.looseObject({
        chat_id: z.string(),
        message_id: z.int(),
        sent_at: TIME_OR_NULL.meta({ description: 'By Telegram.' }),
      }),
    ),
  })
  .meta({ id: 'EvidenceDetails' })
