import type { Backup } from '#api/generated/types.gen.ts'

/** What people call a backup: its source and member, else its file, else the first characters of its id. */
export function backupName({
  source_name,
  member,
  filename,
  id,
  source,
}: Pick<Backup, 'source_name' | 'member' | 'filename' | 'id'> & { source?: unknown }): string {
  if (source_name !== null) return member === null ? source_name : `${source_name} · ${member}`
  return givenName(source) ?? filename ?? id.slice(0, 8)
}

/** The file as it was called where it came from. */
function givenName(source: unknown): string | undefined {
  if (typeof source !== 'object' || source === null || !('filename' in source)) return undefined
  return typeof source.filename === 'string' && source.filename !== '' ? source.filename : undefined
}
