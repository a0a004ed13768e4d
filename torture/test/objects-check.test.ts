import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CheckpointedObject,
  generateIdentity,
  type IndexedBucket,
  loadOrCreateSigningKey,
  PackBuilder,
  type PackRecord,
  type SealedPack,
  type SigningKey,
  sealIndex,
  writeCheckpoint,
} from '@telegram-backup/archive'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CatalogRows, ObjectRow } from '#torture/judge/catalog-rows.ts'
import { objectsCheck } from '#torture/judge/objects-check.ts'
import { ObjectLedger } from '#torture/world/object-ledger.ts'
import type { World } from '#torture/world/world.ts'

const CHAT = '-1'
const BUCKET = { id: randomUUID(), name: 'attic', kind: 'restic', project: 'shop' } as const
const CATALOG = randomUUID()
const AT = '2026-12-02T07:00:00.000Z'
const INDEX = 1
let folder: string
let signingKey: SigningKey
let identity: string
let recipient: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judge-'))
  signingKey = await loadOrCreateSigningKey(join(folder, 'key.pem'))
  ;({ identity, recipient } = await generateIdentity())
})

afterAll(() => rm(folder, { recursive: true }))

/** An object with a version of its own. */
function anObject(words: string): { id: string; key: string; bytes: Buffer; sha256: string } {
  const bytes = Buffer.from(words)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { id: randomUUID(), key: `data/${sha256}`, bytes, sha256 }
}

const options = () => ({ bucket: BUCKET, encryption: { recipients: [recipient] }, signingKey })

async function packOf(
  sequence: number,
  puts: ReturnType<typeof anObject>[],
  others: PackRecord[] = [],
): Promise<SealedPack> {
  const builder = new PackBuilder({ ...options(), packSizeBytes: 64 * 1024 })
  for (const { id, key, bytes, sha256 } of puts) {
    const extent = builder.add(bytes)
    builder.addRecord({ put: key, id, size: bytes.length, sha256, at: AT, extents: [extent] })
  }
  for (const record of others) builder.addRecord(record)
  const sealed = await builder.seal({
    ...{ pack: randomUUID(), catalogId: CATALOG, sequence, createdAt: AT, names: [] },
  })
  return { ...sealed, bytes: Buffer.from(sealed.bytes) }
}

async function checkpointOf(
  sequence: number,
  packs: SealedPack[],
  objects: CheckpointedObject[],
  not: number[] = [],
): Promise<SealedPack> {
  const lines = async function* () {
    for (const { header, sha256, plainSize, encrypted, bytes } of packs) {
      const messages = [{ chat: CHAT, message: header.sequence + 1 }]
      const { pack: id, sequence } = header
      yield { pack: { id, sequence, size: bytes.length, sha256, plainSize, encrypted, messages } }
    }
    for (const object of objects) yield { object }
  }
  const checkpoint = { id: randomUUID(), upTo: sequence - 1, not }
  for await (const part of writeCheckpoint(lines(), { ...options(), checkpoint })) {
    const identity = { pack: randomUUID(), catalogId: CATALOG, sequence, createdAt: AT, names: [] }
    const sealed = await part.seal(identity)
    return { ...sealed, bytes: Buffer.from(sealed.bytes) }
  }
  throw new Error('A checkpoint has at least one part')
}

/** A chat with these packs from message 2 on, and an index of what is named. */
async function worldOf(
  packs: SealedPack[],
  named: { packs: SealedPack[]; checkpoint?: SealedPack },
  ledger = new ObjectLedger(),
): Promise<World> {
  const placeOf = (pack: SealedPack) => ({
    ...{ pack: pack.header.pack, messageId: packs.indexOf(pack) + 2, fileId: 'F', size: pack.bytes.length },
    sha256: pack.sha256,
  })
  const { checkpoint } = named
  const bucket: IndexedBucket = {
    ...{ ...BUCKET, createdAt: AT, undeleteMs: 0, replica: 'later' },
    ...(named.packs.length > 0 && {
      packs: named.packs.map(pack => ({ ...placeOf(pack), sequence: pack.header.sequence })),
    }),
    ...(checkpoint && { checkpoint: { id: randomUUID(), parts: [placeOf(checkpoint)] } }),
  }
  const index = await sealIndex(
    {
      ...{ format: 1, edition: randomUUID(), drawnAt: AT, catalogId: CATALOG, generation: 1, chatId: CHAT },
      ...{ signers: [], buckets: [bucket], backups: [] },
    },
    { encryption: { recipients: [recipient] }, signingKey },
  )
  const messages = packs.map((pack, at) => ({
    ...{ id: at + 2, byBot: true, pinned: false },
    caption: `words\ntelegram-backup 1 pack=${pack.header.pack} bucket=${BUCKET.id} sequence=1`,
  }))
  const bytes = async (id: number) => (id === INDEX ? index : (packs[id - 2]?.bytes ?? Buffer.alloc(0)))
  const view = { messages: async () => messages, bytes }
  const human = { deleted: new Set(), packs: false }
  return { chat: { id: CHAT, view }, identity, human, objects: ledger, strays: new Set() } as unknown as World
}

function rowsOf(packs: SealedPack[], objects: ObjectRow[]): CatalogRows {
  return {
    packs: packs.map(({ header }) => ({
      ...{ id: header.pack, bucket: BUCKET.name, sequence: header.sequence },
      ...{ state: 'sent', isLookedFor: false },
    })),
    objects,
    uploads: [],
    indexes: new Map([[CHAT, INDEX]]),
  } as unknown as CatalogRows
}

const rowOf = (
  { id, key, sha256, bytes }: ReturnType<typeof anObject>,
  pack: SealedPack,
  state: 'live' | 'deleted',
): ObjectRow => ({
  ...{ id, bucket: BUCKET.name, key, state, sha256, inChat: true, isToldDeleted: state === 'deleted' },
  extents: [{ pack: pack.header.pack, offset: 0, length: bytes.length }],
})

/** What a checkpoint says of an object that is alone in its pack. */
function lineOf(
  { id, key, sha256, bytes }: ReturnType<typeof anObject>,
  pack: SealedPack,
): CheckpointedObject {
  const extents = [{ pack: pack.header.pack, offset: 0, length: bytes.length }]
  const { pack: packId, sequence } = pack.header
  return { id, key, sha256, size: bytes.length, at: AT, pack: packId, sequence, extents }
}

function ledgerOf(...known: [ReturnType<typeof anObject>, 'there' | 'gone'][]): ObjectLedger {
  const ledger = new ObjectLedger()
  for (const [{ key, bytes }, presence] of known)
    ledger.begin(ledger.add({ bucket: BUCKET.name, key, bytes, inChat: true }))(presence)
  return ledger
}

test('objects that are there, and deletes that the chat was told of, are in order with and without a checkpoint', async () => {
  const [kept, deleted] = [anObject('kept'), anObject('deleted')]
  const first = await packOf(1, [kept])
  const second = await packOf(2, [deleted])
  const third = await packOf(3, [], [{ delete: deleted.key, id: deleted.id, at: AT }])
  const ledger = ledgerOf([kept, 'there'], [deleted, 'gone'])
  const rows = [rowOf(kept, first, 'live'), rowOf(deleted, second, 'deleted')]
  const packs = [first, second, third]
  expect(await objectsCheck(await worldOf(packs, { packs }, ledger), rowsOf(packs, rows))).toEqual([])

  const checkpoint = await checkpointOf(4, packs, [lineOf(kept, first)])
  const all = [...packs, checkpoint]
  expect(
    await objectsCheck(await worldOf(all, { packs: [], checkpoint }, ledger), rowsOf(all, rows)),
  ).toEqual([])
})

test('a pack that is found after a checkpoint has overwritten its object does not bring the old version back', async () => {
  const newer = anObject('sent twice')
  const older = { ...newer, id: randomUUID() }
  const late = await packOf(1, [older])
  const next = await packOf(2, [newer])
  const checkpoint = await checkpointOf(3, [next], [lineOf(newer, next)], [1])
  const packs = [late, next, checkpoint]
  const world = await worldOf(packs, { packs: [late], checkpoint }, ledgerOf([newer, 'there']))
  const rows = [rowOf(older, late, 'deleted'), rowOf(newer, next, 'live')]
  expect(await objectsCheck(world, rowsOf(packs, rows))).toEqual([])
  const wrong = [rowOf(older, late, 'live'), rowOf(newer, next, 'deleted')]
  expect(await objectsCheck(world, rowsOf(packs, wrong))).toEqual([
    `chat alone: ${older.key} is live in attic, a recovery would not find it`,
    `chat alone: a recovery would bring back ${newer.key} in attic`,
  ])
})

test('an answered object that the catalog does not have is lost; a deleted one that it has came back', async () => {
  const [lost, back] = [anObject('lost'), anObject('back')]
  const pack = await packOf(1, [back])
  const world = await worldOf([pack], { packs: [pack] }, ledgerOf([lost, 'there'], [back, 'gone']))
  expect(await objectsCheck(world, rowsOf([pack], [rowOf(back, pack, 'live')]))).toEqual([
    `lost: attic/${lost.key} was answered and is not in the catalog`,
    `back: attic/${back.key} was deleted and is there again`,
  ])
})

test('a recovery that would lose an object, or bring a deleted one back, is seen before it happens', async () => {
  const [kept, deleted] = [anObject('kept'), anObject('deleted')]
  const pack = await packOf(1, [kept, deleted])
  const checkpoint = await checkpointOf(2, [pack], [])
  const world = await worldOf(
    [pack, checkpoint],
    { packs: [], checkpoint },
    ledgerOf([kept, 'there'], [deleted, 'gone']),
  )
  const forgotten = await objectsCheck(world, rowsOf([pack, checkpoint], [rowOf(kept, pack, 'live')]))
  expect(forgotten).toEqual([`chat alone: ${kept.key} is live in attic, a recovery would not find it`])

  const unnamed = await worldOf([pack], { packs: [] }, ledgerOf([kept, 'there'], [deleted, 'gone']))
  const rows = rowsOf([pack], [rowOf(kept, pack, 'live'), rowOf(deleted, pack, 'deleted')])
  expect(await objectsCheck(unnamed, rows)).toEqual([
    `index: pack ${pack.header.pack} (1) of attic is named by nothing`,
    `chat alone: a recovery would bring back ${deleted.key} in attic`,
  ])
})

test('a checkpoint that covers a proven pack without listing it is seen, also when it was replaced', async () => {
  const sent = anObject('sent while the checkpoint was drawn')
  const pack = await packOf(1, [sent])
  const wrong = await checkpointOf(2, [], [])
  const ledger = ledgerOf([sent, 'gone'])
  const row = rowOf(sent, pack, 'deleted')
  const id = wrong.header.checkpoint?.id
  const words = `index: the checkpoint ${id} covers pack ${pack.header.pack} (1), and does not list it`
  const newest = await worldOf([pack, wrong], { packs: [], checkpoint: wrong }, ledger)
  expect(await objectsCheck(newest, rowsOf([pack, wrong], [row]))).toEqual([words])

  const right = await checkpointOf(3, [pack], [])
  const all = [pack, wrong, right]
  const replaced = await worldOf(all, { packs: [], checkpoint: right }, ledger)
  expect(await objectsCheck(replaced, rowsOf(all, [row]))).toEqual([words])
})

test('bytes that are not what the catalog says are wrong', async () => {
  const [one, other] = [anObject('these bytes'), anObject('those bytes')]
  const pack = await packOf(1, [one])
  const world = await worldOf([pack], { packs: [pack] }, ledgerOf([other, 'there']))
  const row = { ...rowOf(other, pack, 'live'), id: one.id }
  expect(await objectsCheck(world, rowsOf([pack], [row]))).toEqual([
    `wrong: attic/${other.key} comes back with other bytes`,
  ])
})

test('a recovery may bring back what the chat was not told is deleted, and has no locks', () => {
  const [told, untold, lock] = [anObject('told'), anObject('untold'), anObject('lock')]
  const ledger = ledgerOf([told, 'gone'], [untold, 'gone'])
  ledger.begin(ledger.add({ bucket: 'attic', key: lock.key, bytes: lock.bytes, inChat: false }))('there')
  ledger.recovered(new Set([`attic ${untold.key}`]))
  expect(ledger.all().map(({ presence }) => presence)).toEqual(['gone', 'either', 'gone'])
})
