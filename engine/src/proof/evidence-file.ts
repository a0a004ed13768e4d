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

// The file of an export is a JSON array with one element a line: the list of its contents, then the records.
// Its form is exact, so that no byte of it can change without notice.

const [START, BETWEEN, END] = ['[\n', ',\n', '\n]\n']

/** The file that holds these records. They are in the order of their chains. */
export function evidenceFile(
  records: readonly Pick<Evidence, 'envelope' | 'sha256'>[],
  of: { isSelection: boolean; at: Date; signingKey: SigningKey },
): string {
  if (records.length > MAX_RECORDS) {
    throw new BackupError(`An export holds ${MAX_RECORDS} records at most`, {
      code: 'USAGE',
      hint: hint`Choose a time with ${option('from')} and ${option('to')}.`,
    })
  }
  const contents = signEvidenceContents(
    {
      format: 1,
      exported_at: of.at.toISOString(),
      records: records.map(({ sha256 }) => sha256),
      is_selection: of.isSelection,
    },
    of.signingKey,
  )
  return START + [contents, ...records.map(({ envelope }) => envelope)].join(BETWEEN) + END
}

/** What a file proves. */
export interface CheckedEvidence {
  records: SignedEvidence[]
  /** Somebody chose single records; others of the chain are left out on purpose. */
  isSelection: boolean
  /** Undefined for a single record without a list of contents, as a chat has it. */
  exportedAt: string | undefined
  /** Fingerprints of all keys that have signed something in it. */
  signers: string[]
}

/**
 * Checks a file of evidence: every signature, every byte, that no record is missing, and their order. Needs
 * nothing but the file.
 * @param trusted fingerprints of keys; each record must be signed by one of them, or by a key that one of them
 * has named as its successor. Empty: anybody may have signed.
 * @throws `INTEGRITY`
 */
export function checkEvidenceFile(text: string, trusted: readonly string[]): CheckedEvidence {
  if (text.startsWith('{')) return checkSingle(text, trusted)
  if (!text.startsWith(START) || !text.endsWith(END) || text.length < START.length + END.length)
    throw changed('The file is not as an export wrote it')
  const [first = '', ...rest] = text.slice(START.length, -END.length).split(BETWEEN)
  const { contents, ...header } = readEvidenceContents(first)
  const records = rest.map((envelope, index) => readNumbered(envelope, index + 1))
  const { records: promised, is_selection: isSelection, exported_at: exportedAt } = contents
  for (let at = 0; at < Math.max(promised.length, records.length); at++) {
    if (promised[at] !== records[at]?.sha256)
      throw changed(`Element ${at + 1} of the file is not the record that its list of contents names there`)
  }
  assertTrusted([header, ...records], trusted)
  assertChained(
    records.map(({ record, sha256 }) => ({ record, sha256 })),
    isSelection,
  )
  const signers = new Set([header, ...records].map(({ signer }) => signer))
  return { records, isSelection, exportedAt, signers: [...signers] }
}

function checkSingle(envelope: string, trusted: readonly string[]): CheckedEvidence {
  const record = readEvidence(envelope)
  assertTrusted([record], trusted)
  return { records: [record], isSelection: true, exportedAt: undefined, signers: [record.signer] }
}

function readNumbered(envelope: string, element: number): SignedEvidence & Signer {
  try {
    return readEvidence(envelope)
  } catch (cause) {
    throw changed(`Element ${element} of the file was changed`, cause)
  }
}

function assertTrusted(signed: readonly Signer[], trusted: readonly string[]): void {
  if (trusted.length === 0) return
  const signers = new Signers(trusted, undefined)
  for (const one of signed) signers.learn(one)
  for (const one of signed) {
    if (signers.takes(one)) continue
    throw new BackupError(`It is signed by ${one.signer}, which is not a key that you trust`, {
      code: 'INTEGRITY',
      hint: hint`Trusted: ${trusted.join(', ')}, and the keys that they have named after them. If the other key is yours, too, name it with another ${option('signer')}.`,
    })
  }
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
