import type { DrillEvidence, EvidenceRecord, IndexedEvidence } from '@telegram-backup/archive'
import {
  beginRecovery,
  confirmEvidence,
  type Database,
  type ImportedDrill,
  importEvidence,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { rowOf } from '#evidence/evidence-row.ts'
import type { BackupReading } from '#recover/indexed-backups.ts'
import { adoptCatalog, type Owner } from '#recover/ownership.ts'
import type { Downloaded } from '#recover/signed-documents.ts'
import type { EvidenceSighting } from '#recover/unindexed-backups.ts'

/** The record of a message, or why it was not taken, as the end of a sentence. */
export type EvidenceOutcome = { messageId: number } & (
  | { id: string; number: number; catalogId: string; outcome: 'added' | 'known' | 'conflict' }
  | { refused: string }
)

interface Place {
  messageId: number
  fileId: string
  fileUniqueId?: string | undefined
  sentAt?: Date | undefined
}

/** A message with evidence, or why its document cannot be read. */
export type FoundEvidence =
  | (Place & { file: Downloaded; isVouchedFor: boolean; isThere: boolean })
  | { messageId: number; refused: string }

/** A record that the index names; the index vouches for its bytes. */
export async function readNamedEvidence(
  entry: IndexedEvidence,
  { client, reader, documents }: BackupReading,
): Promise<FoundEvidence> {
  const { messageId, fileId, botId, size: maxBytes, sha256 } = entry
  const isThere = await reader.exists(messageId)
  if (botId === client.botId) {
    const file = await documents.download(fileId, { sha256, maxBytes, isBrief: true })
    if (file?.sha256 === sha256) return { messageId, fileId, file, isVouchedFor: true, isThere }
  }
  const seen = isThere ? await reader.look(messageId) : undefined
  if (seen?.document === undefined) return { messageId, refused: 'is gone' }
  const { fileId: own, fileUniqueId } = seen.document
  const file = await documents.download(own, { sha256, maxBytes })
  if (file?.sha256 !== sha256) return { messageId, refused: 'is not what the index names' }
  return {
    ...{ messageId, fileId: own, fileUniqueId, sentAt: seen.sentAt, file },
    ...{ isVouchedFor: true, isThere },
  }
}

/**
 * Records that no index names, and those before them that their captions lead to: between them may lie more
 * messages of people than a search passes.
 */
export async function* readUnindexedEvidence(
  sightings: readonly EvidenceSighting[],
  { reader, documents }: BackupReading,
  named: ReadonlySet<number>,
): AsyncGenerator<FoundEvidence> {
  const seen = new Set(named)
  const waiting = [...sightings]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { messageId, facts, document, sentAt } = next
    if (seen.has(messageId)) continue
    seen.add(messageId)
    const { fileId, fileUniqueId } = document
    const file = await documents.download(fileId, { sha256: facts.sha256 })
    if (file?.sha256 !== facts.sha256) yield { messageId, refused: 'is not what its caption says' }
    else yield { messageId, fileId, fileUniqueId, sentAt, file, isVouchedFor: false, isThere: true }
    const { previousMessageId: previous } = facts
    const before = previous === undefined || seen.has(previous) ? undefined : await reader.look(previous)
    if (before?.facts?.kind === 'evidence' && before.document !== undefined)
      waiting.push({ ...before, facts: before.facts, document: before.document })
  }
}

/**
 * Takes a record into the catalog, with its message and the verification of its drill. An empty catalog
 * becomes that of `owner` first.
 */
export async function recordEvidence(
  database: Database,
  found: FoundEvidence,
  of: BackupReading & { owner: Owner | undefined },
): Promise<EvidenceOutcome> {
  if ('refused' in found) return found
  const { messageId, fileId, fileUniqueId, file, isVouchedFor, isThere } = found
  const { documents, client, reader, owner } = of
  const reading = await documents.readEvidence(file, { isVouchedFor })
  if ('refusal' in reading) return { messageId, refused: reading.refusal.words }
  if (owner) await adoptCatalog(database, owner)
  await beginRecovery(database)
  const { record } = reading.content
  const evidence = rowOf(reading.content)
  const imported = await importEvidence(database, { evidence, drill: drillOf(record) }).catch(invalid)
  if (typeof imported === 'object') return { messageId, refused: imported.refused }
  const outcome = imported
  const { id, number, catalog_id: catalogId } = record
  if (isThere && outcome !== 'conflict') {
    await confirmEvidence(database, {
      ...{ evidenceId: id, chatId: reader.chatId, messageId, botId: client.botId },
      ...{ fileId, fileUniqueId, sizeBytes: file.bytes.length, sha256: file.sha256 },
      // Only the message says it, and it was not looked at.
      sentAt: found.sentAt ?? null,
    })
  }
  return { messageId, id, number, catalogId, outcome }
}

function invalid(error: unknown): { refused: string } {
  const { code, message } = describeError(error)
  if (code !== 'INVALID') throw error
  return { refused: `has values that no catalog can hold: ${message}` }
}

/** Problems with the records of a chat, a sentence each. */
export function evidenceNotes(outcomes: readonly EvidenceOutcome[]): string[] {
  const notes = outcomes.flatMap(one => {
    if ('refused' in one) return [`Evidence in message ${one.messageId} was not taken: it ${one.refused}.`]
    if (one.outcome !== 'conflict') return []
    return [`Evidence ${one.id} in message ${one.messageId} was not taken: another record has its number.`]
  })
  const chains = Map.groupBy(
    outcomes.flatMap(one => ('refused' in one ? [] : [one])),
    ({ catalogId }) => catalogId,
  )
  for (const chain of chains.values()) {
    const numbers = new Set(chain.map(({ number }) => number))
    const last = Math.max(...numbers)
    const isMissing = (number: number): boolean => !numbers.has(number)
    // Numbers come from the chat: the largest one bounds nothing.
    const missing = Array.from({ length: Math.min(last, 100_000) }, (_, at) => at + 1).filter(isMissing)
    if (missing.length > 0)
      notes.push(
        `Evidence is missing in this chat: ${missing.length} ${missing.length === 1 ? 'record' : 'records'} before number ${last}, the first one number ${missing[0]}.`,
      )
  }
  return notes
}

function drillOf(record: EvidenceRecord): ImportedDrill | undefined {
  if (record.kind !== 'drill') return undefined
  const { outcome, depth, drill, started_by, error } = record
  const isSound = outcome === 'passed' || outcome === 'not compared'
  return {
    state: isSound ? 'sound' : 'failed',
    depth: depth ?? null,
    report: reportOf(record),
    error: error?.words ?? (outcome === 'differs' ? 'What was restored differs' : null),
    actor: started_by,
    startedAt: new Date(drill.started_at),
    finishedAt: new Date(drill.ended_at),
  }
}

function reportOf(record: DrillEvidence): ImportedDrill['report'] {
  const { outcome, depth, compared, drill, server_version, differences, not_covered } = record
  if (outcome === 'not restored' || depth === undefined || compared === undefined) return null
  return {
    ...{ state: outcome, depth, where: drill.where, seconds: drill.seconds },
    ...(drill.phases && { phases: drill.phases }),
    ...(server_version !== undefined && { server_version }),
    compared: JSON.parse(JSON.stringify(compared)),
    differences: JSON.parse(JSON.stringify(differences)),
    ...{ not_covered, notes: ['This report was rebuilt from its evidence in the chat'] },
  }
}
