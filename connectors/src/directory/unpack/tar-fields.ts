import { type MemberAttributes, memberPathOf } from '@telegram-backup/archive'
import { BackupError, type Hint, hint, run } from '@telegram-backup/errors'
import type { FileStamp } from '#members.ts'

export const BLOCK_BYTES = 512

/** A header block of a tar file. Texts are Latin-1: one character for each byte. */
export interface TarHeader {
  name: string
  linkName: string
  /** One character; the zero byte of the oldest form counts as `0`. */
  type: string
  /** Bytes of data that follow, without the padding to whole blocks. */
  sizeBytes: number
}

export function hostile(message: string, advice?: Hint): BackupError {
  return new BackupError(message, {
    code: 'UNRESTORABLE',
    hint: advice ?? hint`Get the tar file itself with "${run('fetch')}" and look at it.`,
  })
}

/** Reads a header block as GNU tar does. Throws `UNRESTORABLE` where tar might read it differently. */
export function readHeader(block: Buffer): TarHeader {
  assertChecksum(block)
  const type = text(block, 156, 1) || '0'
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isPosix ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    type,
    sizeBytes: number(block, 124, 12),
  }
}

/** Size, with holes, of a sparse file in the old form; undefined for all else. */
export function realBytes(block: Buffer): number | undefined {
  return text(block, 156, 1) === 'S' ? number(block, 483, 12) : undefined
}

/** The mode and the time that a member has; never throws. */
export function readStamp(block: Buffer, records: Map<string, string> | undefined): FileStamp {
  const mode = octal(block, 100, 8)
  const modifiedSeconds = Number(records?.get('mtime') ?? octal(block, 136, 12))
  return {
    ...(Number.isNaN(mode) ? {} : { mode: mode & 0o777 }),
    ...(Number.isFinite(modifiedSeconds) ? { modifiedSeconds } : {}),
  }
}

/** What `ls -l` shows of a member; never throws. */
export function readAttributes(
  block: Buffer,
  records: Map<string, string> | undefined,
): Omit<MemberAttributes, 'link'> {
  const nameOr = (name: string, at: number, id: string, idAt: number): string => {
    const known = records?.get(name) || text(block, at, 32) || records?.get(id)
    const number = octal(block, idAt, 8)
    return memberPathOf(Buffer.from(known ?? (Number.isNaN(number) ? '' : String(number)), 'latin1'))
  }
  const modifiedMs = Math.floor(Number(records?.get('mtime') ?? octal(block, 136, 12)) * 1000)
  return {
    mode: (octal(block, 100, 8) || 0) & 0o7777,
    owner: nameOr('uname', 265, 'uid', 108),
    group: nameOr('gname', 297, 'gid', 116),
    modifiedMs: Number.isNaN(new Date(modifiedMs).getTime()) ? null : modifiedMs,
  }
}

/** NaN for a field that holds no octal digits. */
function octal(block: Buffer, at: number, sizeBytes: number): number {
  return Number.parseInt(
    /^ *([0-7]+)[ \0]*$/.exec(block.toString('latin1', at, at + sizeBytes))?.[1] ?? '',
    8,
  )
}

/** Whether more blocks of the map of an old sparse file follow this one. */
export function sparseMapGoesOn(block: Buffer, isFirst: boolean): boolean {
  return block[isFirst ? 482 : 504] !== 0
}

/** The records of an extended header, `length name=value` each. Values are latin1. Throws `UNRESTORABLE`. */
export function readRecords(data: Buffer): Map<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < data.length; ) {
    const [whole, digits = ''] = /^(\d{1,10}) /.exec(data.toString('latin1', at, at + 11)) ?? []
    const end = at + Number(digits)
    const record = whole === undefined ? '' : data.toString('latin1', at + whole.length, end)
    const equals = record.indexOf('=')
    if (equals < 1 || end > data.length || !record.endsWith('\n'))
      throw hostile('An extended header is damaged')
    const name = record.slice(0, equals)
    // A sparse map has many records, each with the same names.
    if (records.has(name) && !name.startsWith('GNU.sparse.'))
      throw hostile(`An extended header names ${JSON.stringify(name)} twice`)
    records.set(name, record.slice(equals + 1, -1))
    at = end
  }
  return records
}

function text(block: Buffer, at: number, sizeBytes: number): string {
  let end = at
  while (end < at + sizeBytes && block[end] !== 0) end++
  return end === at ? '' : block.toString('latin1', at, end)
}

/** Octal digits, or bytes if the first bit is set. */
function number(block: Buffer, at: number, sizeBytes: number): number {
  if (block[at] === 0x80) {
    const value = block.subarray(at + 1, at + sizeBytes).reduce((sum, byte) => sum * 256 + byte, 0)
    if (Number.isSafeInteger(value)) return value
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(block.toString('latin1', at, at + sizeBytes))?.[1]
  if (digits === undefined) throw hostile('A header holds an invalid size')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** Sums bytes, as most programs do, or signed bytes, as the oldest ones did. */
function assertChecksum(block: Buffer): void {
  const stated = number(block, 148, 8)
  // Each member has one or two headers: an index is many times as fast here as entries() or reduce().
  let sum = 8 * 0x20
  for (let at = 0; at < 148; at++) sum += block[at] as number
  for (let at = 156; at < BLOCK_BYTES; at++) sum += block[at] as number
  if (stated !== sum && stated !== sum - 256 * countNegative(block))
    throw hostile('This is not a tar file, or one of its headers is damaged')
}

/** How many bytes outside the checksum field are negative as signed ones. */
function countNegative(block: Buffer): number {
  return block.filter((byte, at) => byte > 127 && (at < 148 || at >= 156)).length
}
