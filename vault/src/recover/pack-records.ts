import type { PackHeader, PutRecord } from '@telegram-backup/archive'
import type { ReplayedPack } from '@telegram-backup/database'

/** What the records of a pack say, as the catalog takes it. */
export function recordsOf({
  pack,
  records,
  names,
}: PackHeader): Pick<ReplayedPack, 'puts' | 'deletes' | 'names' | 'uploadId'> {
  const fragment = records.find(record => 'fragment' in record)
  const isFragmentOnly = !records.some(record => 'put' in record && record.id === fragment?.id)
  return {
    puts: records.flatMap(record => ('put' in record ? [putOf(pack, record)] : [])),
    deletes: records.flatMap(record =>
      'delete' in record ? [{ id: record.id, at: new Date(record.at) }] : [],
    ),
    names: names.map(name => name.pack),
    ...(fragment !== undefined && isFragmentOnly && { uploadId: fragment.id }),
  }
}

function putOf(pack: string, { put: key, at, extents, ...record }: PutRecord): ReplayedPack['puts'][number] {
  return {
    ...record,
    key,
    storedAt: new Date(at),
    extents: extents.map(({ pack: packId = pack, offset, length }) => ({ packId, offset, length })),
  }
}
