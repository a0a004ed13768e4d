import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { startAgeFile, unwrapAgeFile } from '#age-file.ts'
import { generateIdentity, openPack, openProvenPack, PackMemory, PackThread, type PackWork } from '#index.ts'
import { HERE } from '#packs/pack-work.ts'
import {
  builderOf,
  CLEAR,
  ENCRYPTED,
  identityOf,
  putOf,
  readOf,
  type SentPack,
  sentBy,
} from '#test/packs/sample-packs.ts'
import { bytesOf, KEYS, leftovers, noise, rejectionOf, sha256 } from '#test/sample-archives.ts'

/** Longer than any header for one recipient, with the growth of the chunks. */
const GROWTH_BYTES = 1024

function memoryWith(bytes: Uint8Array, before = GROWTH_BYTES): PackMemory {
  const memory = new PackMemory(before + bytes.length)
  memory.bytes.set(bytes, before)
  return memory
}

describe('the thread of packs', () => {
  const thread = new PackThread()
  afterAll(() => thread.close())

  it('hashes, encrypts and decrypts as the caller would, whatever is asked meanwhile', async () => {
    const sizes = fc.array(fc.nat(200_000), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(sizes, async sizes => {
        const there = async (size: number): Promise<void> => {
          const plain = noise(size)
          const memory = memoryWith(plain)
          const place = { start: GROWTH_BYTES, end: GROWTH_BYTES + size }
          expect(await thread.hash(memory, place)).toBe(sha256(plain))
          const sealed = await thread.seal(memory, place, await startAgeFile([KEYS.recipient]))
          const file = Buffer.from(memory.bytes.subarray(sealed.start, sealed.end))
          expect(sealed.sha256).toBe(sha256(file))
          const key = await unwrapAgeFile(file, [KEYS.identity])
          const opened = await thread.open(memory, sealed, key)
          expect(memory.bytes.subarray(opened.start, opened.end).equals(plain)).toBe(true)
          const here = memoryWith(file, 0)
          expect(await HERE.open(here, { start: 0, end: file.length }, key)).toEqual({ start: 0, end: size })
          memory.free()
        }
        await Promise.all(sizes.map(there))
      }),
      { numRuns: roundsOf(20) },
    )
  })

  it('gives the memory back with an error when a byte was altered', async () => {
    const plain = noise(100_000)
    const memory = memoryWith(plain)
    const place = { start: GROWTH_BYTES, end: GROWTH_BYTES + plain.length }
    const sealed = await thread.seal(memory, place, await startAgeFile([KEYS.recipient]))
    const key = await unwrapAgeFile(memory.bytes.subarray(sealed.start, sealed.end), [KEYS.identity])
    const { bytes } = memory
    bytes[sealed.end - 1] = (bytes[sealed.end - 1] ?? 0) ^ 1
    await expect(thread.open(memory, sealed, key)).rejects.toThrow()
    expect(memory.bytes.length).toBe(memory.sizeBytes)
    expect(await thread.hash(memory, { start: 0, end: 0 })).toBe(sha256(Buffer.alloc(0)))
  })

  it('has the memory alone, and memory that was freed meanwhile does not come back', async () => {
    const memory = memoryWith(noise(100_000))
    const hashed = thread.hash(memory, { start: 0, end: 1 })
    expect(() => memory.bytes).toThrow(RangeError)
    memory.free()
    await hashed
    expect(() => memory.bytes).toThrow(RangeError)
  })

  it('seals a pack again under another identity, with the same content', async () => {
    const builder = builderOf({ work: thread })
    const content = noise(300_000)
    builder.addRecord(putOf('a', content, [builder.add(content)]))
    await builder.seal(identityOf(1))
    const { bytes, header } = await sentBy(builder, identityOf(2))
    expect(header.sequence).toBe(2)
    expect((await readOf(bytes)).equals(content)).toBe(true)
  })

  it.each([
    ['encrypted', ENCRYPTED],
    ['in clear text', CLEAR],
  ])('opens proven packs %s', async (_, unlocking) => {
    const { sent, content } = await samplePack(unlocking.encrypted, thread)
    const { memory, place } = inMemory(sent)
    const pack = await openProvenPack({ memory, place }, { ...unlocking, expected: {}, work: thread })
    expect((await bytesOf(pack.read())).equals(content)).toBe(true)
    expect(pack.header).toEqual((await openPack(sent.bytes, unlocking)).header)
  })

  it('opens no pack with another key, nor another pack than was expected', async () => {
    const { sent } = await samplePack(true, thread)
    const expected = { pack: identityOf(1).pack }
    const of = { ...ENCRYPTED, work: thread }
    expect(await rejectionOf(openProvenPack(inMemory(sent), { ...of, expected }))).toMatchObject({
      code: 'INTEGRITY',
    })
    const other = { ...of, expected: {}, identities: [(await generateIdentity()).identity] }
    expect(await rejectionOf(openProvenPack(inMemory(sent), other))).toMatchObject({ code: 'WRONG_KEY' })
  })

  it('fails what it has when it dies, and the next task gets another thread', async () => {
    const before = leftovers()
    const dying = new PackThread()
    const worker = workerOf()
    const memory = memoryWith(noise(100_000))
    await dying.hash(memory, { start: 0, end: 1 })
    // Nothing that it could answer: it throws where nobody catches it.
    ;(await worker).postMessage(null)
    const memories = [1, 2, 3].map(() => memoryWith(noise(100_000)))
    const failed = memories.map(memory => rejectionOf(dying.hash(memory, { start: 0, end: 1 })))
    expect(await failed[0]).toMatchObject({ code: 'UNEXPECTED' })
    expect(await dying.hash(memory, { start: 0, end: 0 })).toBe(sha256(Buffer.alloc(0)))
    for (const one of await Promise.all(failed)) expect(one).toMatchObject({ code: 'UNEXPECTED' })
    // The dead thread may still have written to it.
    for (const memory of memories) expect(() => memory.bytes).toThrow(RangeError)
    await dying.close()
    expect(leftovers()).toEqual(before)
  })

  it('fails what it has when it dies while it ends', async () => {
    const dying = new PackThread()
    const worker = workerOf()
    await dying.hash(memoryWith(noise(1)), { start: 0, end: 1 })
    ;(await worker).postMessage(null)
    const failed = rejectionOf(dying.hash(memoryWith(noise(1)), { start: 0, end: 1 }))
    await dying.close()
    expect(await failed).toMatchObject({ code: 'UNEXPECTED' })
  })

  it('ends after its last task, leaves nothing, and takes no other', async () => {
    const before = leftovers()
    const ending = new PackThread()
    const memory = memoryWith(noise(3_000_000))
    const hashed = ending.hash(memory, { start: 0, end: 3_000_000 })
    await ending.close()
    expect(await hashed).toHaveLength(64)
    expect(leftovers()).toEqual(before)
    expect(await rejectionOf(ending.hash(memory, { start: 0, end: 1 }))).toMatchObject({ code: 'CANCELLED' })
    expect(memory.bytes.length).toBe(memory.sizeBytes)
    await new PackThread().close()
  })
})

/** The next thread that this process starts. */
async function workerOf(): Promise<Worker> {
  const [worker] = await once(process, 'worker')
  return worker
}

async function samplePack(encrypted: boolean, work: PackWork): Promise<{ sent: SentPack; content: Buffer }> {
  const builder = builderOf({ work, ...(!encrypted && { encryption: 'off' }) })
  const content = noise(2_500_000)
  builder.addRecord(putOf('a', content, [builder.add(content)]))
  return { sent: await sentBy(builder), content }
}

function inMemory({ bytes }: SentPack): { memory: PackMemory; place: { start: number; end: number } } {
  return { memory: memoryWith(bytes, 0), place: { start: 0, end: bytes.length } }
}
