import { randomUUID } from 'node:crypto'
import { loadOrCreateSigningKey, type ReviewEvidence, signEvidence } from '@telegram-backup/archive'
import {
  appendEvidence,
  type Database,
  type Evidence,
  evidenceByPrefix,
  getEvidence,
  listEvidence,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { rowOf } from '@telegram-backup/vault/evidence/evidence-row.ts'
import type { Config } from '#environment.ts'
import {
  type EvidenceDetails,
  type EvidenceSummary,
  evidenceDetails,
  evidenceSummary,
} from '#proof/evidence-details.ts'

export { type EvidenceDetails, type EvidenceSummary, evidenceDetails, evidenceSummary }

import { placeOf } from '#proof/drill-evidence.ts'

/**
 * The record that words name: an id, its first eight characters, `latest`, or `latest:SOURCE` for the newest
 * drill of a source or project. Throws `NOT_FOUND`, and `USAGE` for several.
 */
export async function findEvidence(database: Database, words: string): Promise<Evidence> {
  const typed = words.trim()
  const [first, source] = [
    typed.split(':', 1)[0],
    typed.includes(':') ? typed.replace(/^[^:]*:/, '') : undefined,
  ]
  if (first?.toLowerCase() === 'latest') {
    const drills = await listEvidence(database, { kind: 'drill', ...(source === undefined && { limit: 1 }) })
    const newest = drills.find(
      one => source === undefined || [one.source_name, one.project_id].includes(source),
    )
    if (newest !== undefined) return newest
    throw unknown(source === undefined ? 'There is no evidence yet' : `No evidence is of ${shown(source)}`)
  }
  const [one, another] = await evidenceByPrefix(database, typed, 2)
  if (another !== undefined) {
    throw new BackupError(`Several records of evidence have ids that begin with ${shown(typed)}`, {
      code: 'USAGE',
      hint: 'Give more characters of the id.',
    })
  }
  if (one === undefined) throw unknown(`No evidence has the id ${shown(typed)}`)
  return one
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}

function unknown(message: string): BackupError {
  return new BackupError(message, {
    code: 'NOT_FOUND',
    hint: hint`${run('evidence list')} shows what there is; each drill leaves a record.`,
  })
}

/**
 * Records that a person has looked at a drill, as a signed record of its own. The caller sends it to the
 * chat. Throws `NOT_FOUND`, `INVALID` for an empty or too long text and for a review of a review, and what a
 * signing key throws.
 */
export async function reviewEvidence(
  { config, database }: { config: Config; database: Database },
  review: { id: string; name: string; note: string },
): Promise<Evidence> {
  const name = readText('name', review.name, 200)
  const note = readText('note', review.note, 4_000)
  const reviewed = await getEvidence(database, review.id)
  if (reviewed === null) throw unknown(`No evidence has the id ${shown(review.id)}`)
  if (reviewed.kind !== 'drill') {
    throw new BackupError('This record is a review itself', {
      code: 'INVALID',
      hint: `Review the drill that it belongs to: ${reviewed.reviewed_id}.`,
    })
  }
  const signingKey = await loadOrCreateSigningKey(config.signingKeyFile)
  const id = randomUUID()
  const { source_name, project_id: project, type, sha256, number, backup_id } = reviewed
  return await appendEvidence(database, place => {
    const record: ReviewEvidence = {
      ...{ format: 1, kind: 'review', id, ...placeOf(place) },
      source: { project, type, ...(source_name && { name: source_name }) },
      ...{ backup_id, of: { id: reviewed.id, number, sha256 }, name, note },
    }
    return rowOf(signEvidence(record, signingKey))
  })
}

function readText(what: string, given: string, longest: number): string {
  const text = given.toWellFormed().replaceAll('\0', '').trim()
  if (text !== '' && text.length <= longest) return text
  throw new BackupError(`The ${what} of a review has 1 to ${longest} characters`, {
    code: 'INVALID',
    hint: `Give a ${what === 'name' ? 'name, such as "Internal Audit"' : 'note, such as "Differences explained, no action"'}.`,
  })
}
