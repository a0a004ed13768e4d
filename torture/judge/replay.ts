import type { JudgedPack } from '#torture/judge/pack-bytes.ts'

/** A version of an object, as the chat alone tells. */
export interface ReplayedObject {
  readonly id: string
  readonly key: string
  readonly sha256: string
  /** Number of the pack that stored it, also after it was moved. */
  readonly sequence: number
  /** The version that it has taken the place of. */
  readonly moves?: string | undefined
  readonly extents: ReadonlyArray<{ readonly pack: string; readonly offset: number; readonly length: number }>
  isLive: boolean
}

interface CheckpointedObject extends Omit<ReplayedObject, 'isLive'> {
  readonly deletedAt?: string
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
        const deleted = versionOf(objects, record.id)
        if (deleted) deleted.isLive = false
      }
      if ('put' in record) put(objects, record, header)
    }
  }
  return objects
}

/** The version of this id, or the one that has taken its place. */
function versionOf(objects: ReadonlyMap<string, ReplayedObject>, id: string): ReplayedObject | undefined {
  return objects.get(id) ?? [...objects.values()].find(({ moves }) => moves === id)
}

/**
 * The version of a key with the greatest number is the newest: a checkpoint may list newer ones than a pack
 * that was under way when it was drawn.
 */
function put(
  objects: Map<string, ReplayedObject>,
  record: Extract<JudgedPack['header']['records'][number], { put: string }>,
  { pack, sequence: ofPack }: Pick<JudgedPack['header'], 'pack' | 'sequence'>,
): void {
  const { id, put: key, sha256, moves } = record
  const moved = moves === undefined ? undefined : versionOf(objects, moves)
  if (moved) objects.delete(moved.id)
  const sequence = moved?.sequence ?? ofPack
  const others = [...objects.values()].filter(other => other.key === key)
  // The same bytes elsewhere, which were deleted or overwritten before they were moved.
  const isLive = moved?.isLive ?? others.every(other => other.sequence <= sequence)
  if (isLive) for (const other of others) other.isLive = false
  const extents = record.extents.map(extent => ({ pack, ...extent }))
  objects.set(id, { id, key, sha256, sequence, moves, extents, isLive })
}

/** Ids of the packs whose records a checkpoint says that it has. */
export function listedPacks(checkpoint: readonly JudgedPack[]): Set<string> {
  const lines = linesOf(checkpoint).map(line => JSON.parse(line) as { pack?: { id: string } })
  return new Set(lines.flatMap(({ pack }) => pack?.id ?? []))
}

function linesOf(checkpoint: readonly JudgedPack[]): string[] {
  const text = Buffer.concat(checkpoint.map(({ plain }) => plain)).toString('utf8')
  return text.split('\n').filter(line => line !== '')
}
