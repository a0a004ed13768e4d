import {
  type EvidenceRecord,
  MAX_RECORDS,
  readEvidence,
  readEvidenceContents,
  type SignedEvidence,
  type Signer,
  type SigningKey,
  signEvidenceContents,
} from '@telegram-backup/archive'
import type { Evidence } from '@telegram-backup/database'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { Signers } from '@telegram-backup/vault/recover/signers.ts'
import { formatBytes } from '#units/human-units.ts'

// The file of an export is a JSON array with one element a line: the list of its contents, then the records.
// Its form is exact, so that no byte of it can change without notice.

const [START, BETWEEN, END] = ['[\n', ',\n', '\n]\n']

/** The largest file; it is made and checked in memory. */
export const MOST_EVIDENCE_BYTES: number = 256 * 1024 * 1024

/**
 * The file that holds these records, which are in the order of their chains, and the fingerprints of the keys
 * that a person has to trust to believe all of it.
 */
export function evidenceFile(
  records: readonly Pick<Evidence, 'envelope' | 'sha256'>[],
  of: { isSelection: boolean; at: Date; signingKey: SigningKey },
): { text: string; keys: string[] } {
  if (records.length > MAX_RECORDS) throw tooMuch(`${MAX_RECORDS} records`)
  const contents = signEvidenceContents(
    {
      format: 1,
      exported_at: of.at.toISOString(),
      records: records.map(({ sha256 }) => sha256),
      is_selection: of.isSelection,
    },
    of.signingKey,
  )
  const lines = [contents, ...records.map(({ envelope }) => envelope)]
  const size = lines.reduce((bytes, line) => bytes + Buffer.byteLength(line) + BETWEEN.length, 0)
  if (size + START.length + END.length > MOST_EVIDENCE_BYTES) throw tooMuch(formatBytes(MOST_EVIDENCE_BYTES))
  const text = START + lines.join(BETWEEN) + END
  const signed = records.map(({ envelope }) => readEvidence(envelope))
  return { text, keys: keysToTrust([...signed, readEvidenceContents(contents)]) }
}

function tooMuch(most: string): BackupError {
  return new BackupError(`An export holds ${most} at most`, {
    code: 'USAGE',
    hint: hint`Choose a time with ${option('from')} and ${option('to')}.`,
  })
}

/** What a file proves. */
export interface CheckedEvidence {
  records: SignedEvidence[]
  /** Somebody chose single records; others of the chain are left out on purpose. */
  isSelection: boolean
  /** Undefined for a single record without a list of contents, as a chat has it. */
  exportedAt: string | undefined
  /** Fingerprints of the keys that have signed the records, the oldest first. */
  signers: string[]
  /**
   * The key that signed the list of contents, if it is not trusted, such as that of a machine that has
   * recovered since: then nothing shows that the first and the last record of the file are the first and the
   * last one of the export.
   */
  untrustedExporter: string | undefined
}

/**
 * Checks a file of evidence: every signature, every byte, that no record is missing, and their order. Needs
 * nothing but the file.
 * @param trusted fingerprints of keys; each record must be signed by one of them, or by a key that one of
 * them has named as its successor. Empty: anybody may have signed.
 * @throws `INTEGRITY`
 */
export function checkEvidenceFile(text: string, trusted: readonly string[]): CheckedEvidence {
  if (text.startsWith('{')) return checkSingle(text, trusted)
  if (!text.startsWith(START) || !text.endsWith(END) || text.length < START.length + END.length)
    throw changed('The file is not as an export wrote it')
  const [first = '', ...rest] = text.slice(START.length, -END.length).split(BETWEEN)
  const { contents, ...header } = readContents(first)
  const records = rest.map((envelope, index) => readLine(envelope, index + LINE_OF_FIRST))
  const { records: promised, exported_at: exportedAt } = contents
  for (let at = 0; at < Math.max(promised.length, records.length); at++) {
    if (promised[at] !== records[at]?.sha256)
      throw changed(`Line ${at + LINE_OF_FIRST} is not the record that the list of contents names there`)
  }
  const signers = trust([header, ...records], trusted)
  for (const record of records) if (!signers.takes(record)) throw untrusted(record, trusted)
  const isExporterTrusted = signers.takes(header)
  const isSelection = contents.is_selection && isExporterTrusted
  assertChained(
    records.map(({ record, sha256 }) => ({ record, sha256 })),
    isSelection,
  )
  return {
    ...{ records, isSelection, exportedAt, signers: signersOf(records) },
    untrustedExporter: isExporterTrusted ? undefined : header.signer,
  }
}

/** After the bracket and the list of contents. */
const LINE_OF_FIRST = 3

function readContents(envelope: string): ReturnType<typeof readEvidenceContents> {
  try {
    return readEvidenceContents(envelope)
  } catch (cause) {
    throw changed('The list of contents was changed, or is missing', cause)
  }
}

function checkSingle(envelope: string, trusted: readonly string[]): CheckedEvidence {
  const record = readEvidence(envelope)
  if (!trust([record], trusted).takes(record)) throw untrusted(record, trusted)
  const [records, signers] = [[record], [record.signer]]
  return { records, signers, isSelection: true, exportedAt: undefined, untrustedExporter: undefined }
}

function readLine(envelope: string, line: number): SignedEvidence & Signer {
  try {
    return readEvidence(envelope)
  } catch (cause) {
    throw changed(`Line ${line} was changed`, cause)
  }
}

function signersOf(signed: readonly Signer[]): string[] {
  return [...new Set(signed.map(({ signer }) => signer))]
}

/** Without trusted keys, all that have signed are. */
function trust(signed: readonly Signer[], trusted: readonly string[]): Signers {
  const signers = new Signers(trusted.length === 0 ? signersOf(signed) : trusted, undefined)
  for (const one of signed) signers.learn(one)
  return signers
}

/** A key leads to those that it has named after it. */
function keysToTrust(signed: readonly Signer[]): string[] {
  const keys: string[] = []
  for (const one of signed) if (keys.length === 0 || !trust(signed, keys).takes(one)) keys.push(one.signer)
  return keys
}

function untrusted({ signer }: Signer, trusted: readonly string[]): BackupError {
  return new BackupError(`It is signed by ${signer}, which is not a key that you trust`, {
    code: 'INTEGRITY',
    hint: hint`Trusted: ${trusted.join(', ')}, and the keys that they have named after them. If the other key is yours, too, name it with another ${option('signer')}.`,
  })
}

interface Link {
  record: EvidenceRecord
  sha256: string
}

/** Each chain is whole; of a selection, what is there is in its order. */
function assertChained(links: readonly Link[], isSelection: boolean): void {
  const byId = new Map(links.map(link => [link.record.id, link]))
  if (byId.size < links.length) throw changed('A record is in the file twice')
  for (const chain of Map.groupBy(links, ({ record }) => record.catalog_id).values()) {
    for (const [at, { record }] of chain.entries()) {
      const before = chain[at - 1]
      if (before !== undefined) assertFollows(record, before, isSelection)
    }
  }
  for (const { record } of links) {
    if (record.kind !== 'review') continue
    const reviewed = byId.get(record.of.id)
    if (reviewed !== undefined && reviewed.sha256 !== record.of.sha256)
      throw changed(`The review ${record.number} is of another record than ${record.of.number}`)
  }
}

function assertFollows(record: EvidenceRecord, before: Link, isSelection: boolean): void {
  const { number, previous, at } = record
  const { number: last, at: lastAt } = before.record
  if (number <= last || at < lastAt) throw changed(`Record ${number} stands after record ${last}`)
  if (number === last + 1 && previous !== before.sha256)
    throw changed(`Record ${number} does not continue record ${last}`)
  if (number > last + 1 && !isSelection) {
    const missing = number - last === 2 ? `Record ${last + 1} is` : `Records ${last + 1} to ${number - 1} are`
    throw changed(`${missing} missing`)
  }
}

function changed(message: string, cause?: unknown): BackupError {
  return new BackupError(message, {
    code: 'INTEGRITY',
    cause,
    hint: hint`Do not rely on this file. Export the evidence again, or read it from the chat.`,
  })
}
