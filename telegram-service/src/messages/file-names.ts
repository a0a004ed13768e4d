export interface BackupName {
  project: string
  type: string
  createdAt: Date
  /** A UUID. */
  id: string
  /** The source's file name, with its extension. */
  filename: string
}

/** Telegram cuts the stem at 64 characters (td `clean_filename`). */
const MAX_STEM_LENGTH = 64
const MAX_PROJECT_LENGTH = 15
const EXTENSION_LENGTH = 4
/** The longest end of a part's stem; up to 99,999 parts sort in order. */
const LONGEST_TAIL = '.99999e.zst'
const DEFAULT_EXTENSION = 'bin'

/** `<project>_<type>_<20261124T053300Z>_<id8>.<ext>`: unique, and Telegram does not change it. */
export function backupFileName(name: BackupName): string {
  return `${stem(name)}.${extension(name.filename)}`
}

/** `….00003.zst.age`, for the last of several `….00007e.zst.age`, for an only one `….zst.age`. */
export function partFileName(
  name: BackupName,
  part: { number: number; last: boolean; encrypted: boolean },
): string {
  const number =
    part.last && part.number === 1 ? '' : `.${String(part.number).padStart(5, '0')}${part.last ? 'e' : ''}`
  return `${backupFileName(name)}${number}.zst${part.encrypted ? '.age' : ''}`
}

/** Does not match the pattern of the parts, which a person gives to the shell. */
export function manifestFileName(name: BackupName, encrypted: boolean): string {
  return `${stem(name)}_manifest.zst${encrypted ? '.age' : ''}`
}

export function indexFileName(encrypted: boolean): string {
  return `telegram-backup_index.zst${encrypted ? '.age' : ''}`
}

/** `evidence_<20261124T053300Z>_<id8>.zst.age`. */
export function evidenceFileName(record: { id: string; at: Date }, encrypted: boolean): string {
  return `evidence_${compactTime(record.at)}_${record.id.slice(0, 8)}.zst${encrypted ? '.age' : ''}`
}

/** `<bucket>_pack_<20261124T053300Z>_<id8>.zst.age`; of a part of a checkpoint, `…_checkpoint_…`. */
export function packFileName(
  pack: { bucket: string; packId: string; createdAt: Date; isCheckpoint: boolean },
  encrypted: boolean,
): string {
  const { bucket, packId, createdAt, isCheckpoint } = pack
  const what = isCheckpoint ? 'checkpoint' : 'pack'
  // The name of a bucket may have dots; cut, it may end in one.
  const name = bucket.slice(0, MAX_PROJECT_LENGTH)
  return `${name}_${what}_${compactTime(createdAt)}_${packId.slice(0, 8)}.zst${encrypted ? '.age' : ''}`
}

function compactTime(time: Date): string {
  return time.toISOString().replace(/[-:]|\.\d+/g, '')
}

function stem(name: BackupName): string {
  const time = compactTime(name.createdAt)
  const rest = `_${name.type}_${time}_${name.id.replaceAll('-', '').slice(0, 8)}`
  const room = MAX_STEM_LENGTH - rest.length - `.${extension(name.filename)}${LONGEST_TAIL}`.length
  return name.project.slice(0, Math.min(MAX_PROJECT_LENGTH, room)) + rest
}

function extension(filename: string): string {
  const [, found] = /\.([A-Za-z0-9]+)$/.exec(filename) ?? []
  return found === undefined || found.length > EXTENSION_LENGTH ? DEFAULT_EXTENSION : found.toLowerCase()
}
