import type { SignedEvidence } from '@telegram-backup/archive'
import type { Evidence } from '@telegram-backup/database'

/** The row of a record; it repeats what the signed text says. */
export function rowOf({ record, envelope, sha256, signer }: SignedEvidence): Evidence {
  const { id, catalog_id, number, at, source, previous } = record
  const isDrill = record.kind === 'drill'
  return {
    ...{ id, catalog_id, number, kind: record.kind, at: new Date(at) },
    ...{ project_id: source.project, type: source.type, source_name: source.name ?? null },
    backup_id: isDrill ? record.backup.id : record.backup_id,
    verification_id: isDrill ? record.drill.id : null,
    reviewed_id: isDrill ? null : record.of.id,
    outcome: isDrill ? record.outcome : null,
    ...{ sha256, previous: previous ?? null, signer, envelope },
  }
}
