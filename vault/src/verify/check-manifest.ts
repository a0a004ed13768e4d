import type { Manifest } from '@telegram-backup/archive'
import type { Backup, MessageRow } from '@telegram-backup/database'

/**
 * How a manifest differs from the catalog, for people; undefined when it does not. Message ids and file ids
 * do not count, since a repair changes them.
 */
export function contradiction(
  { manifest, signer }: { manifest: Manifest; signer: string },
  { backup, parts }: { backup: Backup; parts: readonly MessageRow[] },
): string | undefined {
  if (backup.signer !== null && backup.signer !== signer) {
    return `is signed by ${signer}; the catalog knows ${backup.signer}`
  }
  const facts: ReadonlyArray<readonly [string, unknown, unknown]> = [
    ['backup', manifest.backup.id, backup.id],
    ['project', manifest.backup.project, backup.project_id],
    ['type', manifest.backup.type, backup.type],
    ['plain size', manifest.plainSize, backup.size],
    ['plain SHA-256', manifest.plainSha256, backup.plain_sha256],
    ['size', manifest.archiveSize, backup.archive_size],
    ['SHA-256', manifest.archiveSha256, backup.archive_sha256],
    ['number of parts', manifest.parts.length, backup.part_count],
  ]
  for (const [name, said, known] of facts) {
    if (known !== null && said !== known) return `says another ${name} than the catalog`
  }
  const byNumber = new Map(manifest.parts.map(part => [part.number, part]))
  for (const { part_no, size, sha256, plain_offset, plain_size } of parts) {
    const said = byNumber.get(part_no)
    if (said === undefined) return `knows no part ${part_no}`
    const isSame =
      said.size === size &&
      said.sha256 === sha256 &&
      (plain_offset === null || said.plainOffset === plain_offset) &&
      (plain_size === null || said.plainSize === plain_size)
    if (!isSame) return `says something else of part ${part_no} than the catalog`
  }
  return undefined
}
