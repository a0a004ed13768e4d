import type { BackupType } from 'telegram-deployment-bot'

/** The facts in the caption and the file name of a message, readable without a key. */
export interface CaptionWords {
  project: string
  type: BackupType
  /** To the second where the name says it, else to the minute. */
  createdAt: Date
  /** The backup's own unique name in the chat. */
  filename: string
  encrypted: boolean
}

/** The last line but one of a caption: `shop · database · 2026-11-24 05:33 UTC · part 3 (last)`. */
const WORDS =
  /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}) · (database|storage|logs) · (\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC · (?:part \d+(?: \(last\))?|manifest)$/
/** `shop_database_20261124T053300Z_1b9d6bcd.sql.00003e.zst.age`, and the manifest's. */
const PART_NAME =
  /^((?:.+)_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z_[0-9a-f]{8}\.[a-z0-9]{1,4})(?:\.\d{5}e?)?\.zst(\.age)?$/
const MANIFEST_NAME = /^((?:.+)_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z_[0-9a-f]{8})_manifest\.zst(\.age)?$/

/** Undefined when this program did not write both. */
export function readCaptionWords(message: { caption: string; fileName: string }): CaptionWords | undefined {
  const [, project, type, day, minute] = WORDS.exec(message.caption.split('\n').at(-2) ?? '') ?? []
  const named = PART_NAME.exec(message.fileName) ?? MANIFEST_NAME.exec(message.fileName)
  if (project === undefined || type === undefined || named === null) return undefined
  const [, filename, year, month, date, hours, minutes, seconds, age] = named
  const createdAt = new Date(`${year}-${month}-${date}T${hours}:${minutes}:${seconds}Z`)
  const isSame = !Number.isNaN(createdAt.getTime()) && createdAt.toISOString().startsWith(`${day}T${minute}`)
  if (!isSame) return undefined
  return {
    project,
    type: type as BackupType,
    createdAt,
    filename: filename as string,
    encrypted: age !== undefined,
  }
}
