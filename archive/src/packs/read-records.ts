import { CheckedObject, SHA256_HEX, UUID } from '#checked-json.ts'
import type { DeleteRecord, FragmentRecord, PackedExtent, PackRecord, PutRecord } from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'

const MAX_ETAG_LENGTH = 256
const MAX_META_FIELDS = 64
const MAX_META_NAME_LENGTH = 256
const MAX_META_VALUE_LENGTH = 8192

/** The pack in whose header a record stands. */
interface RecordPlace {
  pack: string
  plainSize: number
}

/** What a version of an object has in a record and in a checkpoint. */
export type VersionFields = Omit<PutRecord, 'put' | 'extents'>

/** @throws TypeError for a record of an unknown kind, too: without it, others would mean something else */
export function readRecord(record: CheckedObject, place: RecordPlace): PackRecord {
  if (record.has('put')) return readPut(record, place)
  if (record.has('delete')) return readDelete(record)
  return readFragment(record, place)
}

function readPut(record: CheckedObject, place: RecordPlace): PutRecord {
  const version = readVersion(record)
  const extents = readExtents(record, version.size).map(extent => withinPack(extent, place))
  return { put: readKey(record, 'put'), ...version, extents }
}

function readDelete(record: CheckedObject): DeleteRecord {
  return { delete: readKey(record, 'delete'), id: record.matching('id', UUID), at: record.time('at') }
}

function readFragment(record: CheckedObject, place: RecordPlace): FragmentRecord {
  const extent = withinPack(readExtent(record.object('extent')), place)
  if (extent.pack !== undefined) throw new TypeError('a fragment in another pack')
  const at = record.integer('at')
  if (!Number.isSafeInteger(at + extent.length)) throw new TypeError('a fragment out of range')
  return { fragment: readKey(record, 'fragment'), id: record.matching('id', UUID), at, extent }
}

/** @throws TypeError */
export function readVersion(fields: CheckedObject): VersionFields {
  return {
    id: fields.matching('id', UUID),
    size: fields.integer('size'),
    sha256: fields.matching('sha256', SHA256_HEX),
    ...(fields.has('etag') && { etag: fields.storable('etag', MAX_ETAG_LENGTH) }),
    ...(fields.has('meta') && { meta: readMeta(fields.record('meta')) }),
    at: fields.time('at'),
    ...(fields.has('moves') && { moves: fields.matching('moves', UUID) }),
  }
}

/** @throws TypeError for a key that a catalog cannot keep, or one of more than 1,024 bytes */
export function readKey(fields: CheckedObject, name: string): string {
  const key = fields.storable(name, PACK_LIMITS.keyBytes)
  if (Buffer.byteLength(key) > PACK_LIMITS.keyBytes) throw new TypeError('a key that is too long')
  return key
}

/** Extents that are together as long as the object. @throws TypeError */
export function readExtents(fields: CheckedObject, size: number): PackedExtent[] {
  const extents = fields
    .array('extents', { least: 0, most: PACK_LIMITS.extents })
    .map(extent => readExtent(new CheckedObject(extent)))
  const length = extents.reduce((sum, extent) => sum + extent.length, 0)
  if (length !== size) throw new TypeError('extents that are not as long as their object')
  return extents
}

function readExtent(fields: CheckedObject): PackedExtent {
  const extent = {
    ...(fields.has('pack') && { pack: fields.matching('pack', UUID) }),
    offset: fields.integer('offset'),
    length: fields.integer('length', 1),
  }
  if (!Number.isSafeInteger(extent.offset + extent.length)) throw new TypeError('an extent out of range')
  return extent
}

function withinPack(extent: PackedExtent, { pack, plainSize }: RecordPlace): PackedExtent {
  // A pack has one way to name its own bytes.
  if (extent.pack === pack) throw new TypeError('an extent that names its own pack')
  if (extent.pack === undefined && extent.offset + extent.length > plainSize)
    throw new TypeError('an extent beyond the end of the pack')
  return extent
}

function readMeta(record: Record<string, unknown>): Record<string, string> {
  const names = Object.keys(record)
  if (names.length > MAX_META_FIELDS) throw new TypeError('too many fields of metadata')
  const fields = new CheckedObject(record)
  const meta = names.map(name => [name, fields.text(name, MAX_META_VALUE_LENGTH)] as const)
  if (meta.some(([name, value]) => name.length > MAX_META_NAME_LENGTH || !isStorable(name + value)))
    throw new TypeError('metadata that cannot be stored')
  return Object.fromEntries(meta)
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
