import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeArchive } from '#index.ts'
import { PartMemory } from '#part-memory.ts'
import {
  archiveOf,
  bytesOf,
  KEYS,
  leftovers,
  noise,
  readerOf,
  SMALL_PART_BYTES,
  sampleBackup,
  sha256,
} from '#test/sample-archives.ts'

describe('the memory for parts', () => {
  it('is never that of two parts at once, in whatever order and however often they are released', () => {
    const steps = fc.array(fc.record({ takes: fc.boolean(), which: fc.nat(9) }), {
      maxLength: 100,
    })
    fc.assert(
      fc.property(steps, steps => {
        const memory = new PartMemory(64)
        const filled = (mark: number): Buffer => Buffer.alloc(64, mark)
        const parts: { bytes: Buffer; release: () => void; mark: number; isHeld: boolean }[] = []
        for (const [mark, { takes, which }] of steps.entries()) {
          if (takes) {
            const { memory: slot, release } = memory.take()
            const bytes = Buffer.from(slot).fill(mark)
            parts.push({ bytes, release, mark, isHeld: true })
          } else {
            // Also those that were released before.
            const part = parts[which % (parts.length || 1)]
            part?.release()
            if (part) part.isHeld = false
          }
          for (const part of parts) {
            if (part.isHeld) expect(part.bytes.equals(filled(part.mark))).toBe(true)
          }
        }
      }),
    )
  })

  it('is used again, and there is no more of it than parts that are held at once', () => {
    const memory = new PartMemory(1000)
    const seen = new Set<ArrayBufferLike>()
    for (let round = 0; round < 50; round++) {
      const held = [memory.take(), memory.take()]
      for (const { memory: slot } of held) seen.add(slot)
      for (const { release } of held) release()
    }
    expect(seen.size).toBe(2)
  })
})

describe('the parts of an archive', () => {
  const bytes = noise(300_000)

  it('stay as they are until they are released, some early, some late, some never', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(4)), fc.boolean(), async (delays, encrypted) => {
        const { backup, parts } = await archiveOf(bytes, { encrypted })
        const writer = writeArchive(bytes, {
          backup,
          encryption: encrypted ? { recipients: [KEYS.recipient] } : 'off',
          partSizeBytes: SMALL_PART_BYTES,
        })
        const copies: { number: number; bytes: Buffer }[] = []
        const held: { part: Awaited<ReturnType<typeof archiveOf>>['parts'][number]; until: number }[] = []
        for await (const part of writer) {
          const delay = delays.next().value ?? 0
          held.push({ part, until: part.number + (delay === 4 ? 1000 : delay) })
          for (const { part, until } of held.splice(0)) {
            expect(sha256(part.bytes)).toBe(part.sha256)
            if (until > copies.length) held.push({ part, until })
            else {
              part.release()
              part.release()
            }
          }
          copies.push({ number: part.number, bytes: Buffer.from(part.bytes) })
        }
        for (const { part } of held) expect(sha256(part.bytes)).toBe(part.sha256)
        expect(copies.length).toBeGreaterThanOrEqual(parts.length - 2)
        const reader = readerOf(copies, { backupId: backup.id, encrypted })
        expect(sha256(await bytesOf(reader))).toBe(sha256(bytes))
      }),
      { numRuns: 15 },
    )
  })

  it('lie in the memory of archives that have ended, also of one that was left midway', async () => {
    const options = { backup: sampleBackup(), encryption: 'off' as const, partSizeBytes: SMALL_PART_BYTES }
    const memoryOf = async (most: number): Promise<Set<ArrayBufferLike>> => {
      const seen = new Set<ArrayBufferLike>()
      for await (const part of writeArchive(bytes, options)) {
        seen.add(part.bytes.buffer)
        part.release()
        if (part.number === most) break
      }
      return seen
    }
    const first = await memoryOf(Number.POSITIVE_INFINITY)
    for (const most of [2, 3, 2, Number.POSITIVE_INFINITY]) {
      for (const memory of await memoryOf(most)) expect(first).toContain(memory)
    }
  })

  it('stay as they are when the archive is left or cancelled midway, and can be released after that', async () => {
    const before = leftovers()
    const aborting = new AbortController()
    const options = { backup: sampleBackup(), encryption: 'off' as const, partSizeBytes: SMALL_PART_BYTES }
    const held = []
    try {
      for await (const part of writeArchive(bytes, { ...options, signal: aborting.signal })) {
        held.push(part)
        if (part.number === 3) aborting.abort()
      }
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'CANCELLED' })
    }
    for await (const part of writeArchive(bytes, options)) {
      held.push(part)
      if (part.number === 2) break
    }
    expect(held).toHaveLength(5)
    for (const part of held) expect(sha256(part.bytes)).toBe(part.sha256)
    for (const part of held) part.release()
    expect(leftovers()).toEqual(before)
  })
})
