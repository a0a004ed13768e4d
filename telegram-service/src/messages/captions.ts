import {
  type CatalogName,
  type ParsedEvidence,
  type ParsedPack,
  type Tombstone,
  writeMachineLine,
} from '#messages/machine-line.ts'

/** Telegram's limit, in Unicode code points. */
export const MAX_CAPTION_LENGTH = 1024

/** What a part or a manifest says about itself, unencrypted. */
export interface CaptionFacts {
  project: string
  type: string
  createdAt: Date
  backupId: string
  content: { kind: 'part'; number: number; last: boolean } | { kind: 'manifest' }
  /** Of the document, hex. */
  sha256: string
  /** Absent without a catalog. */
  catalog?: CatalogName | undefined
  /** Any message of ours leads to the index. */
  indexMessageId?: number | undefined
  /** The caller's words; they come first and are cut to fit. */
  caption?: string | undefined
}

/**
 * A caption: the caller's words, lines for a person, and a line for the search of lost messages,
 * `telegram-backup 1 backup=… part=3 last sha256=… catalog=….2 index=7`.
 */
export function writeCaption(facts: CaptionFacts): string {
  const { content } = facts
  const what =
    content.kind === 'manifest' ? 'manifest' : `part ${content.number}${content.last ? ' (last)' : ''}`
  const time = `${facts.createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const { backupId, sha256, catalog, indexMessageId } = facts
  const common = { backupId, sha256, catalog, indexMessageId }
  const machine = writeMachineLine(
    content.kind === 'manifest'
      ? { kind: 'manifest', partNumber: 0, ...common }
      : { kind: 'part', partNumber: content.number, last: content.last, ...common },
  )
  const ours = `${facts.project} · ${facts.type} · ${time} · ${what}\n${machine}`
  const own = cut(cleanText(facts.caption ?? ''), MAX_CAPTION_LENGTH - codePoints(ours) - 2)
  return own === '' ? ours : `${own}\n\n${ours}`
}

/** A line for a person, then `telegram-backup 1 index catalog=….2 edition=…`. */
export function writeIndexCaption(facts: { catalog: CatalogName; edition: string }): string {
  return `Index of the backups in this chat. Please leave it pinned.\n${writeMachineLine({ kind: 'index', ...facts })}`
}

/** A line for a person, then `telegram-backup 1 evidence=… record=… sha256=…`. */
export function writeEvidenceCaption(
  facts: Omit<ParsedEvidence, 'kind'> & { project: string; what: string; at: Date },
): string {
  const { project, what, at, ...line } = facts
  const time = `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `${project} · ${what} · ${time}\n${writeMachineLine({ kind: 'evidence', ...line })}`
}

/** What a pack says about itself, unencrypted. */
export type PackCaptionFacts = Omit<ParsedPack, 'kind'> & { project: string; bucket: string; createdAt: Date }

/**
 * A line for a person, then `telegram-backup 1 pack=… bucket=… sequence=12 sha256=… catalog=….2 index=7`; a
 * part of a checkpoint says `checkpoint=….1 last` after its sequence.
 */
export function writePackCaption(facts: PackCaptionFacts): string {
  const { project, bucket, createdAt, ...line } = facts
  const time = `${createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const { checkpoint, sequence } = line
  const what =
    checkpoint === undefined
      ? `pack ${sequence}`
      : `checkpoint, part ${checkpoint.part}${checkpoint.last ? ' (last)' : ''}`
  return `${project} · bucket ${bucket} · ${time} · ${what}\n${writeMachineLine({ kind: 'pack', ...line })}`
}

/** The caption of a message that could not be deleted, and was replaced. */
export function writeTombstoneCaption(facts: Tombstone): string {
  return `Erased.\n${writeMachineLine({ kind: 'tombstone', ...facts })}`
}

/** Well-formed Unicode; of control characters, only line breaks and tabs, which Telegram accepts. */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .trim()
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function cut(text: string, length: number): string {
  const points = [...text]
  return points.length <= length
    ? text
    : `${points
        .slice(0, length - 1)
        .join('')
        .trimEnd()}…`
}
