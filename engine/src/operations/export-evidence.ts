import { loadOrCreateSigningKey } from '@telegram-backup/archive'
import { type Database, type Evidence, listEvidence, reviewsOf } from '@telegram-backup/database'
import type { Config } from '#environment.ts'
import { type EvidenceDetails, evidenceDetails, findEvidence } from '#operations/evidence.ts'
import { evidenceFile } from '#proof/evidence-file.ts'

export interface ExportRequest {
  /** As {@link findEvidence} takes them; empty for all records. Their reviews go with them. */
  words: readonly string[]
  project?: string | undefined
  /** Not before this time, and not after that one. */
  from?: Date | undefined
  to?: Date | undefined
}

/** The records of an export, in the order of their chains. Throws what {@link findEvidence} throws. */
export async function chooseEvidence(database: Database, request: ExportRequest): Promise<Evidence[]> {
  const { words, project: projectId, from, to } = request
  if (words.length === 0) return inOrder(await listEvidence(database, { projectId, from, to }))
  const chosen = new Map<string, Evidence>()
  for (const word of words) {
    const found = await findEvidence(database, word)
    for (const one of [found, ...(await reviewsOf(database, found.id))]) chosen.set(one.id, one)
  }
  return inOrder([...chosen.values()])
}

function inOrder(records: readonly Evidence[]): Evidence[] {
  const catalogs = [...new Set(records.map(one => one.catalog_id))].sort()
  return catalogs.flatMap(id =>
    records.filter(one => one.catalog_id === id).sort((one, other) => one.number - other.number),
  )
}

/** The file of an export, which this machine signs. `keys`: whom to trust to believe all of it. */
export async function exportEvidence(
  { config, database }: { config: Config; database: Database },
  request: ExportRequest,
): Promise<{ text: string; records: Evidence[]; keys: string[] }> {
  const records = await chooseEvidence(database, request)
  const signingKey = await loadOrCreateSigningKey(config.signingKeyFile)
  const isSelection = request.words.length > 0 || request.project !== undefined
  return { records, ...evidenceFile(records, { isSelection, at: new Date(), signingKey }) }
}

/** The drills of an export, for pages. */
export async function evidenceToPrint(
  database: Database,
  request: ExportRequest,
): Promise<EvidenceDetails[]> {
  const records = await chooseEvidence(database, request)
  const drills: EvidenceDetails[] = []
  for (const one of records) if (one.kind === 'drill') drills.push(await evidenceDetails(database, one))
  return drills
}
