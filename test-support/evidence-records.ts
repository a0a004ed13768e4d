import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type DrillEvidence,
  type EvidenceRecord,
  loadOrCreateSigningKey,
  readEvidence,
  type SignedEvidence,
  type SigningKey,
  signEvidence,
} from '@telegram-backup/archive'
import { appendEvidence, type Database, type Evidence } from '@telegram-backup/database'

/** A key of its own, in a new file of the folder. */
export async function newSigningKey(folder: string): Promise<SigningKey> {
  return await loadOrCreateSigningKey(join(folder, `${randomUUID()}.pem`))
}

/** The record of a row, whose signature was checked. */
export function recordIn({ envelope }: Evidence): EvidenceRecord & { sha256: string } {
  const { record, sha256 } = readEvidence(envelope)
  return { ...record, sha256 }
}

/** A record of a drill that has passed; everything may be replaced. */
export function drillRecord(over: Partial<DrillEvidence> = {}): DrillEvidence {
  return {
    format: 1,
    kind: 'drill',
    id: randomUUID(),
    number: 1,
    catalog_id: '846ee47b-ed76-4f9e-96f9-29c9233fb1de',
    at: '2026-12-01T03:00:00.000Z',
    source: { project: 'shop', type: 'database', name: 'orders' },
    backup: {
      id: randomUUID(),
      created_at: '2026-12-01T01:00:00.000Z',
      size: 1_000_000,
      manifest_sha256: 'ab'.repeat(32),
    },
    started_by: 'the service',
    program_version: '0.1.0',
    server_version: '17.2',
    drill: {
      id: randomUUID(),
      started_at: '2026-12-01T02:59:00.000Z',
      ended_at: '2026-12-01T03:00:00.000Z',
      seconds: 60,
      phases: { fetch_seconds: 10, open_seconds: 5, restore_seconds: 40, compare_seconds: 5 },
      where: 'a server of its own',
    },
    recovery_point_seconds: 7_140,
    recovery_seconds: 55,
    outcome: 'passed',
    depth: 'contents',
    compared: { contents: 'equal', tables: 2, rows: 30 },
    tables: {
      named: [
        { table: 'public.orders', rows: 20, result: 'equal' },
        { table: 'public.customers', rows: 10, result: 'equal' },
      ],
      further: 0,
    },
    not_covered: [],
    not_covered_further: 0,
    differences: [],
    differences_further: 0,
    ...over,
  }
}

/** So many records of one chain, signed by the keys in turn. */
export function signedChain(count: number, keys: readonly SigningKey[]): SignedEvidence[] {
  const chain: SignedEvidence[] = []
  for (let number = 1; number <= count; number++) {
    const previous = chain.at(-1)?.sha256
    const at = new Date(Date.UTC(2026, 11, 1, 3, number)).toISOString()
    const record = drillRecord({ number, at, ...(previous !== undefined && { previous }) })
    const key = keys[Math.floor(((number - 1) * keys.length) / count)]
    if (key !== undefined) chain.push(signEvidence(record, key))
  }
  return chain
}

/** Adds a record to the chain of a catalog, as a drill does at its end. */
export async function addEvidence(
  database: Database,
  signingKey: SigningKey,
  over: Partial<DrillEvidence> = {},
): Promise<Evidence> {
  return await appendEvidence(database, ({ number, previous, catalog_id, at }) => {
    const place = { number, catalog_id, at: at.toISOString(), ...(previous !== undefined && { previous }) }
    const { record, envelope, sha256, signer } = signEvidence(drillRecord({ ...over, ...place }), signingKey)
    const { source, backup, drill, outcome } = record as DrillEvidence
    return {
      ...{ id: record.id, catalog_id, number, kind: 'drill', at, sha256, signer, envelope, outcome },
      ...{ project_id: source.project, type: source.type, source_name: source.name ?? null },
      ...{ backup_id: backup.id, verification_id: drill.id, reviewed_id: null, previous: previous ?? null },
    }
  })
}
