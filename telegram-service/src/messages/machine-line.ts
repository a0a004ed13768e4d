export interface CatalogName {
  /** UUID. */
  id: string
  /** From 1 to 1,999,999,999; grows with each rebuild from the chat. */
  generation: number
}

/** What the last line of a caption tells a program. */
export type ParsedCaption = ParsedDocument | ParsedIndex | ParsedTombstone | ParsedEvidence | ParsedPack

export type ParsedDocument = (
  | {
      kind: 'part'
      /** From 1. */
      partNumber: number
      last: boolean
    }
  | {
      kind: 'manifest'
      partNumber: 0
    }
) & {
  backupId: string
  /** Of the document, hex. */
  sha256: string
  /** Absent without a catalog. */
  catalog?: CatalogName | undefined
  indexMessageId?: number | undefined
}

export interface ParsedIndex {
  kind: 'index'
  catalog: CatalogName
  /** `<count>-<8 hex digits>`. */
  edition: string
}

/** A record of a drill, or of its review. */
export interface ParsedEvidence {
  kind: 'evidence'
  evidenceId: string
  /** Of the signed text, hex: so the date of the message binds what was signed. */
  recordSha256: string
  /** Of the document, hex. */
  sha256: string
  /** The message of the record before in this chat. */
  previousMessageId?: number | undefined
  catalog?: CatalogName | undefined
  indexMessageId?: number | undefined
}

/** A pack of a bucket: objects and records, or a part of a checkpoint. */
export interface ParsedPack {
  kind: 'pack'
  packId: string
  bucketId: string
  /** Its number in the bucket, from 1. */
  sequence: number
  checkpoint?: CaptionedCheckpoint | undefined
  /** Of the document, hex. */
  sha256: string
  /** Absent without a catalog. */
  catalog?: CatalogName | undefined
  indexMessageId?: number | undefined
}

interface CaptionedCheckpoint {
  /** The same in all its parts. */
  id: string
  /** From 1. */
  part: number
  last: boolean
}

/** Replaces a message that could not be deleted. */
export type ParsedTombstone = { kind: 'tombstone' } & Tombstone

/** What was in the message, and whose it was. */
export type Tombstone = (
  | {
      backupId: string
      /** From 1; 0 for a manifest. */
      partNumber: number
    }
  | { packId: string }
) & { catalog?: CatalogName | undefined }

const UUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}'
/** Without leading zeros, and bounded: anybody may write into the chat. */
const COUNT = '[1-9][0-9]{0,8}'
const PART = '[1-9][0-9]{0,6}'
const GENERATION = `${COUNT}|1[0-9]{9}`
const CATALOG = `catalog=(?<catalog>${UUID})\\.(?<generation>${GENERATION})`
const WHAT = `backup=(?<backup>${UUID}) (?:part=(?<part>${PART})(?<last> last)?|manifest)`
const DOCUMENT_LINE = new RegExp(
  `^telegram-backup 1 ${WHAT} sha256=(?<sha256>[0-9a-f]{64})(?: ${CATALOG})?(?: index=(?<index>${COUNT}[0-9]?))?$`,
)
const INDEX_LINE = new RegExp(`^telegram-backup 1 index ${CATALOG} edition=(?<edition>${COUNT}-[0-9a-f]{8})$`)
const TOMBSTONE_LINE = new RegExp(
  `^telegram-backup 1 tombstone (?:pack=(?<pack>${UUID})|backup=(?<backup>${UUID}) (?:part=(?<part>${PART})|manifest))(?: ${CATALOG})?$`,
)
const HASH = '[0-9a-f]{64}'
const EVIDENCE_LINE = new RegExp(
  `^telegram-backup 1 evidence=(?<evidence>${UUID}) record=(?<record>${HASH}) sha256=(?<sha256>${HASH})(?: previous=(?<previous>${COUNT}[0-9]?))?(?: ${CATALOG})?(?: index=(?<index>${COUNT}[0-9]?))?$`,
)
/** Up to 16 digits, and never above the largest safe integer: it is checked when it is read. */
const SEQUENCE = '[1-9][0-9]{0,15}'
const PACK_LINE = new RegExp(
  `^telegram-backup 1 pack=(?<pack>${UUID}) bucket=(?<bucket>${UUID}) sequence=(?<sequence>${SEQUENCE})(?: checkpoint=(?<checkpoint>${UUID})\\.(?<part>${PART})(?<last> last)?)? sha256=(?<sha256>${HASH})(?: ${CATALOG})?(?: index=(?<index>${COUNT}[0-9]?))?$`,
)

/** The last line of a caption. */
export function writeMachineLine(facts: ParsedCaption): string {
  return ['telegram-backup 1', ...words(facts)].join(' ')
}

/** Undefined unless the last line is this program's. A person may copy one: only the bytes prove it. */
export function parseCaption(caption: string | undefined): ParsedCaption | undefined {
  const line = caption?.split('\n').at(-1) ?? ''
  return (
    parseDocument(line) ?? parseIndex(line) ?? parseTombstone(line) ?? parseEvidence(line) ?? parsePack(line)
  )
}

function words(facts: ParsedCaption): string[] {
  const catalog = facts.catalog ? [`catalog=${facts.catalog.id}.${facts.catalog.generation}`] : []
  if (facts.kind === 'index') return ['index', ...catalog, `edition=${facts.edition}`]
  if (facts.kind === 'evidence') return evidenceWords(facts, catalog)
  if (facts.kind === 'pack') return packWords(facts, catalog)
  if ('packId' in facts) return ['tombstone', `pack=${facts.packId}`, ...catalog]
  const backup = `backup=${facts.backupId}`
  const what = facts.partNumber === 0 ? 'manifest' : `part=${facts.partNumber}`
  if (facts.kind === 'tombstone') return ['tombstone', backup, what, ...catalog]
  const last = facts.kind === 'part' && facts.last ? ['last'] : []
  return [backup, what, ...last, `sha256=${facts.sha256}`, ...catalog, ...indexWord(facts)]
}

function evidenceWords(facts: ParsedEvidence, catalog: string[]): string[] {
  const { evidenceId, recordSha256, sha256, previousMessageId } = facts
  const previous = previousMessageId === undefined ? [] : [`previous=${previousMessageId}`]
  const hashes = [`record=${recordSha256}`, `sha256=${sha256}`]
  return [`evidence=${evidenceId}`, ...hashes, ...previous, ...catalog, ...indexWord(facts)]
}

function packWords(facts: ParsedPack, catalog: string[]): string[] {
  const { packId, bucketId, sequence, checkpoint, sha256 } = facts
  const what = [`pack=${packId}`, `bucket=${bucketId}`, `sequence=${sequence}`]
  const part = checkpoint ? [`checkpoint=${checkpoint.id}.${checkpoint.part}`] : []
  const last = checkpoint?.last ? ['last'] : []
  return [...what, ...part, ...last, `sha256=${sha256}`, ...catalog, ...indexWord(facts)]
}

function indexWord({ indexMessageId }: { indexMessageId?: number | undefined }): string[] {
  return indexMessageId === undefined ? [] : [`index=${indexMessageId}`]
}

function parseDocument(line: string): ParsedDocument | undefined {
  const found = DOCUMENT_LINE.exec(line)?.groups
  if (found === undefined) return undefined
  const { backup = '', part, last, sha256 = '', index } = found
  const facts = {
    backupId: backup,
    sha256,
    ...catalogOf(found),
    ...(index === undefined ? {} : { indexMessageId: Number(index) }),
  }
  return part === undefined
    ? { kind: 'manifest', partNumber: 0, ...facts }
    : { kind: 'part', partNumber: Number(part), last: last !== undefined, ...facts }
}

function parseIndex(line: string): ParsedIndex | undefined {
  const found = INDEX_LINE.exec(line)?.groups
  const { catalog } = catalogOf(found)
  return catalog && { kind: 'index', catalog, edition: found?.['edition'] ?? '' }
}

function parseTombstone(line: string): ParsedTombstone | undefined {
  const found = TOMBSTONE_LINE.exec(line)?.groups
  if (found === undefined) return undefined
  const { backup = '', part, pack } = found
  const what = pack === undefined ? { backupId: backup, partNumber: Number(part ?? 0) } : { packId: pack }
  return { kind: 'tombstone', ...what, ...catalogOf(found) }
}

function parseEvidence(line: string): ParsedEvidence | undefined {
  const found = EVIDENCE_LINE.exec(line)?.groups
  if (found === undefined) return undefined
  const { evidence: evidenceId = '', record: recordSha256 = '', sha256 = '', previous, index } = found
  return {
    kind: 'evidence',
    evidenceId,
    recordSha256,
    sha256,
    ...(previous !== undefined && { previousMessageId: Number(previous) }),
    ...catalogOf(found),
    ...(index !== undefined && { indexMessageId: Number(index) }),
  }
}

function parsePack(line: string): ParsedPack | undefined {
  const found = PACK_LINE.exec(line)?.groups
  const sequence = Number(found?.['sequence'])
  if (found === undefined || !Number.isSafeInteger(sequence)) return undefined
  const { pack: packId = '', bucket: bucketId = '', checkpoint, part, last, sha256 = '', index } = found
  return {
    kind: 'pack',
    packId,
    bucketId,
    sequence,
    ...(checkpoint !== undefined && {
      checkpoint: { id: checkpoint, part: Number(part), last: last !== undefined },
    }),
    sha256,
    ...catalogOf(found),
    ...(index !== undefined && { indexMessageId: Number(index) }),
  }
}

function catalogOf(found: Record<string, string | undefined> | undefined): { catalog?: CatalogName } {
  const { catalog: id, generation } = found ?? {}
  return id === undefined ? {} : { catalog: { id, generation: Number(generation) } }
}
