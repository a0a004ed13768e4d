import type { JudgedPack } from '#torture/judge/pack-bytes.ts'

/** A version of an object, as the chat alone tells. */
export interface ReplayedObject {
  readonly id: string
  readonly key: string
  readonly sha256: string
  readonly extents: ReadonlyArray<{ readonly pack: string; readonly offset: number; readonly length: number }>
  isLive: boolean
}

interface CheckpointedObject {
  readonly id: string
  readonly key: string
  readonly sha256: string
  readonly sequence: number
  readonly deletedAt?: string
  readonly extents: ReplayedObject['extents']
}

/**
 * The objects of a bucket from its newest checkpoint and the packs that it does not cover: what a recovery
 * has to find. Written by docs/format.md, apart from the program.
 */
export function replay(
  packs: readonly JudgedPack[],
  checkpoint: readonly JudgedPack[],
): Map<string, ReplayedObject> {
  const objects = new Map<string, ReplayedObject>()
  const covers = checkpoint[0]?.header.checkpoint
  for (const line of linesOf(checkpoint)) {
    const { object } = JSON.parse(line) as { object?: CheckpointedObject }
    if (object) objects.set(object.id, { ...object, isLive: object.deletedAt === undefined })
  }
  const later = packs.filter(({ header: { kind, sequence } }) => {
    if (kind !== 'pack') return false
    return !covers || sequence > covers.upTo || covers.not.includes(sequence)
  })
  for (const { header } of later.sort((a, b) => a.header.sequence - b.header.sequence)) {
    for (const record of header.records) {
      if ('delete' in record) {
        const deleted = objects.get(record.id)
        if (deleted) deleted.isLive = false
      }
      if ('put' in record) put(objects, record, header.pack)
    }
  }
  return objects
}

function put(
  objects: Map<string, ReplayedObject>,
  record: Extract<JudgedPack['header']['records'][number], { put: string }>,
  pack: string,
): void {
  const moved = record.moves === undefined ? undefined : objects.get(record.moves)
  if (record.moves !== undefined) objects.delete(record.moves)
  const isLive = moved?.isLive ?? true
  // The same bytes elsewhere, which were deleted or overwritten before they were moved.
  if (isLive) for (const other of objects.values()) if (other.key === record.put) other.isLive = false
  objects.set(record.id, {
    id: record.id,
    key: record.put,
    sha256: record.sha256,
    extents: record.extents.map(extent => ({ pack, ...extent })),
    isLive,
  })
}

function linesOf(checkpoint: readonly JudgedPack[]): string[] {
  const text = Buffer.concat(checkpoint.map(({ plain }) => plain)).toString('utf8')
  return text.split('\n').filter(line => line !== '')
}
