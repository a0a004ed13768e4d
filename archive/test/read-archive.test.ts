import { describe, expect, it } from 'vitest'
import { type ReceivedPart, readArchive } from '#index.ts'
import {
  archiveOf,
  bytesOf,
  KEYS,
  leftovers,
  noise,
  readerOf,
  received,
  rejectionOf,
  sha256,
} from '#test/sample-archives.ts'

const bytes = Buffer.concat([noise(150_000), Buffer.alloc(40_000_000), noise(40_000)])
const archive = await archiveOf(bytes)
const OPTIONS = { backupId: archive.backup.id, identities: [KEYS.identity], encrypted: true }

/** The parts, counting how many were asked for. */
function counted(): { parts: AsyncGenerator<ReceivedPart>; asked: () => number } {
  let asked = 0
  async function* parts(): AsyncGenerator<ReceivedPart> {
    for (const part of archive.parts) {
      asked += 1
      yield part
    }
  }
  return { parts: parts(), asked: () => asked }
}

describe('reading an archive', () => {
  it('gives blocks of at most 1 MiB, each in memory of its own', async () => {
    const blocks: Buffer[] = []
    for await (const block of readerOf(archive.parts, OPTIONS)) blocks.push(block)
    expect(Math.max(...blocks.map(block => block.length))).toBeLessThanOrEqual(1024 * 1024)
    expect(sha256(Buffer.concat(blocks))).toBe(sha256(bytes))
  })

  it('asks for no more parts than the consumer takes bytes', async () => {
    const { parts, asked } = counted()
    const blocks = readArchive(parts, OPTIONS)[Symbol.asyncIterator]()
    await blocks.next()
    await new Promise(resolve => setTimeout(resolve, 200))
    // Each of the first parts has one block: one was taken, four are in the ring, one at work; eight blocks
    // of the ring before hold four parts, each a header and a frame; one was fetched for when there is room.
    expect(asked()).toBeLessThanOrEqual(11)
    expect(archive.parts.length).toBeGreaterThan(15)
    await blocks.return?.()
  })

  it('has no summary before its end was verified', async () => {
    const reader = readerOf(archive.parts, OPTIONS)
    expect(() => reader.summary).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    await bytesOf(reader)
    expect(reader.summary).toEqual({
      parts: archive.parts.length,
      plainOffset: 0,
      plainSize: bytes.length,
      plainSha256: sha256(bytes),
    })
  })

  it('ends its thread when the consumer leaves early, and when the parts fail', async () => {
    const before = leftovers()
    for await (const block of readerOf(archive.parts, OPTIONS)) if (block.length > 0) break
    const cause = new Error('no network')
    async function* failing(): AsyncGenerator<ReceivedPart> {
      yield* received(archive.parts.slice(0, 1))
      throw cause
    }
    expect(await rejectionOf(bytesOf(readArchive(failing(), OPTIONS)))).toMatchObject({
      code: 'SOURCE',
      cause,
    })
    expect(leftovers()).toEqual(before)
  })

  it('is cancelled by the signal, also while it waits for a part that never comes', async () => {
    const before = leftovers()
    const aborting = new AbortController()
    async function* stalled(): AsyncGenerator<ReceivedPart> {
      yield* received(archive.parts.slice(0, 1))
      await new Promise(() => undefined)
    }
    const reading = rejectionOf(bytesOf(readArchive(stalled(), { ...OPTIONS, signal: aborting.signal })))
    setTimeout(() => aborting.abort(), 50)
    expect(await reading).toMatchObject({ code: 'CANCELLED' })
    expect(leftovers()).toEqual(before)
  })

  it('needs no key for an archive without encryption, and takes no encrypted part for one', async () => {
    const clear = await archiveOf(noise(30_000), { encrypted: false })
    const options = { backupId: clear.backup.id, identities: [], encrypted: false }
    expect(sha256(await bytesOf(readerOf(clear.parts, options)))).toBe(clear.plainSha256)
    const error = await rejectionOf(
      bytesOf(readerOf(archive.parts, { ...options, backupId: archive.backup.id })),
    )
    expect(error).toMatchObject({ code: 'INTEGRITY', partNumber: 1 })
    const other = await rejectionOf(bytesOf(readerOf(clear.parts, { backupId: clear.backup.id })))
    expect(other).toMatchObject({ code: 'INTEGRITY', partNumber: 1 })
  })
})
