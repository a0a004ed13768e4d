import { createHash } from 'node:crypto'
import { openIndex, type VaultIndex } from '@telegram-backup/archive'
import { readCaption } from '#torture/judge/captions.ts'
import type { CatalogRows, ObjectRow } from '#torture/judge/catalog-rows.ts'
import { type JudgedPack, openByHand } from '#torture/judge/pack-bytes.ts'
import { listedPacks, replay } from '#torture/judge/replay.ts'
import type { World } from '#torture/world/world.ts'

/**
 * Packs that were opened already, by message: the bytes of a message of the bot's change with its caption
 * alone.
 */
const opened = new WeakMap<World, Map<string, JudgedPack>>()

/**
 * What writers were told is so, in the catalog and by the chat alone, and everything that is there comes
 * back byte for byte. No pack and no upload is in limbo.
 */
export async function objectsCheck(world: World, rows: CatalogRows): Promise<string[]> {
  const violations = limboOf(rows)
  const live = new Map(
    rows.objects.flatMap(one => (one.state === 'live' ? [[`${one.bucket} ${one.key}`, one] as const] : [])),
  )
  for (const { bucket, key, presence, bytes } of world.objects.all()) {
    const found = live.get(`${bucket} ${key}`)
    const name = `${bucket}/${key}`
    if (presence === 'there' && !found)
      violations.push(`lost: ${name} was answered and is not in the catalog`)
    if (presence === 'gone' && found) violations.push(`back: ${name} was deleted and is there again`)
    if (found && found.sha256 !== createHash('sha256').update(bytes).digest('hex'))
      violations.push(`wrong: the catalog has another hash for ${name}`)
  }
  for (const name of live.keys()) {
    const [bucket = '', key = ''] = name.split(' ')
    if (!world.objects.find(bucket, key)) violations.push(`wrong: ${bucket}/${key} was never put`)
  }
  if (rows.packs.length === 0) return violations
  const packs = await packsIn(world, rows, violations)
  violations.push(...contentsOf(world, [...live.values()], packs), ...(await chatAlone(world, rows, packs)))
  return violations
}

function limboOf({ packs, objects, uploads }: CatalogRows): string[] {
  const violations = uploads.map(id => `limbo: the upload ${id} has no process`)
  for (const { id, state, isLookedFor, sequence } of packs) {
    if (state === 'intended' && !isLookedFor)
      violations.push(`limbo: pack ${id} (${sequence}) is intended, and nobody looks for it`)
  }
  const lookedFor = packs.some(({ isLookedFor }) => isLookedFor)
  for (const { key, state } of objects) {
    if (state === 'intended' && !lookedFor)
      violations.push(`limbo: ${key} is intended, and no pack under way`)
  }
  return violations
}

/** All packs of the chat that count, by id. */
async function packsIn(
  world: World,
  rows: CatalogRows,
  violations: string[],
): Promise<Map<string, JudgedPack>> {
  const known = opened.get(world) ?? new Map<string, JudgedPack>()
  opened.set(world, known)
  const packs = new Map<string, JudgedPack>()
  const counted = new Set(rows.packs.map(pack => `pack ${pack.id}`))
  for (const { id, byBot, caption } of await world.chat.view.messages()) {
    const facts = readCaption(caption)
    if (!byBot || facts?.kind !== 'pack') continue
    // The other machine may have found it in time.
    if (world.strays.has(facts.key) && !counted.has(facts.key)) continue
    const name = `${id} ${caption}`
    try {
      const pack = known.get(name) ?? (await openByHand(await world.chat.view.bytes(id), world.identity))
      known.set(name, pack)
      packs.set(pack.header.pack, pack)
    } catch (error) {
      violations.push(`wrong: the pack in message ${id} does not open: ${(error as Error).message}`)
    }
  }
  return packs
}

/** Each object's bytes out of the packs of the chat. */
function contentsOf(
  { human }: World,
  live: readonly ObjectRow[],
  packs: ReadonlyMap<string, JudgedPack>,
): string[] {
  return live.flatMap(({ bucket, key, sha256, inChat, extents }) => {
    if (!inChat) return []
    const pieces = extents.map(({ pack, offset, length }) =>
      packs.get(pack)?.plain.subarray(offset, offset + length),
    )
    const whole = pieces.filter(piece => piece !== undefined)
    // What people have deleted is another matter.
    if (whole.length < pieces.length)
      return human.packs ? [] : [`lost: ${bucket}/${key} lies in a pack that the chat does not have`]
    const back = createHash('sha256')
    for (const piece of whole) back.update(piece)
    return back.digest('hex') === sha256 ? [] : [`wrong: ${bucket}/${key} comes back with other bytes`]
  })
}

/** The index, the checkpoint and the packs of the chat tell what the catalog tells. */
async function chatAlone(
  world: World,
  rows: CatalogRows,
  packs: ReadonlyMap<string, JudgedPack>,
): Promise<string[]> {
  const messageId = rows.indexes.get(world.chat.id)
  if (messageId === undefined || world.human.packs || world.human.deleted.has(messageId)) return []
  const document = await world.chat.view.bytes(messageId)
  const { index } = await openIndex(document, { identities: [world.identity], encrypted: true })
  const violations: string[] = []
  for (const bucket of new Set(rows.packs.map(one => one.bucket))) {
    const indexed = index.buckets?.find(({ name }) => name === bucket)
    if (!indexed) {
      violations.push(`index: it does not name the bucket ${bucket}`)
      continue
    }
    const parts = (indexed.checkpoint?.parts ?? []).map(({ pack }) => packs.get(pack))
    const checkpoint = parts.filter(part => part !== undefined)
    if (checkpoint.length < parts.length) {
      violations.push(`index: it names a checkpoint of ${bucket} that the chat does not have`)
      continue
    }
    const ofBucket = [...packs.values()].filter(({ header }) => header.bucket.name === bucket)
    const told = replay(ofBucket, checkpoint)
    const proven = new Set(rows.packs.flatMap(({ id, state }) => (state === 'sent' ? [id] : [])))
    violations.push(...namedPacks(bucket, indexed, { ofBucket, checkpoint }))
    violations.push(...falseCheckpoints(ofBucket.filter(({ header }) => proven.has(header.pack))))
    for (const object of rows.objects) {
      if (object.bucket !== bucket || !object.inChat || object.state === 'intended') continue
      const other = told.get(object.id)
      const isLive = other?.isLive === true
      if (object.state === 'live' && !isLive)
        violations.push(`chat alone: ${object.key} is live in ${bucket}, a recovery would not find it`)
      if (object.state === 'deleted' && object.isToldDeleted && isLive)
        violations.push(`chat alone: a recovery would bring back ${object.key} in ${bucket}`)
      told.delete(object.id)
    }
    for (const { key, id, isLive } of told.values()) {
      if (isLive) violations.push(`chat alone: a recovery would find ${key} (${id}) in ${bucket}`)
    }
  }
  return violations
}

/** The index names every pack that its checkpoint does not cover. */
function namedPacks(
  bucket: string,
  indexed: NonNullable<VaultIndex['buckets']>[number],
  of: { ofBucket: readonly JudgedPack[]; checkpoint: readonly JudgedPack[] },
): string[] {
  const named = new Set((indexed.packs ?? []).map(({ pack }) => pack))
  return of.ofBucket.flatMap(({ header }) => {
    const { kind, pack, sequence } = header
    if (kind !== 'pack' || named.has(pack) || isCovered(header, of.checkpoint)) return []
    return [`index: pack ${pack} (${sequence}) of ${bucket} is named by nothing`]
  })
}

function isCovered({ sequence }: JudgedPack['header'], checkpoint: readonly JudgedPack[]): boolean {
  const covers = checkpoint[0]?.header.checkpoint
  return covers !== undefined && sequence <= covers.upTo && !covers.not.includes(sequence)
}

/** Each checkpoint of a bucket lists all that it covers, also one that another one has replaced. */
function falseCheckpoints(proven: readonly JudgedPack[]): string[] {
  const checkpoints = Map.groupBy(
    proven.filter(({ header }) => header.kind === 'checkpoint'),
    ({ header }) => header.checkpoint?.id,
  )
  return [...checkpoints].flatMap(([id, parts]) => {
    const last = parts.find(({ header }) => header.checkpoint?.last)
    // One that was given up, or is being erased.
    if (parts.length !== last?.header.checkpoint?.part) return []
    const listed = listedPacks(parts)
    return proven.flatMap(({ header }) => {
      if (header.kind !== 'pack' || listed.has(header.pack) || !isCovered(header, parts)) return []
      return [
        `index: the checkpoint ${id} covers pack ${header.pack} (${header.sequence}), and does not list it`,
      ]
    })
  })
}
