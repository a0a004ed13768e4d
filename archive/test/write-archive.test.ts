import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type Encryption, MIN_PART_SIZE_BYTES, writeArchive } from '#index.ts'
import {
  KEYS,
  leftovers,
  listOf,
  noise,
  rejectionOf,
  SMALL_PART_BYTES,
  sampleBackup,
} from '#test/sample-archives.ts'

const OPTIONS = {
  backup: sampleBackup(),
  encryption: { recipients: [KEYS.recipient] },
  partSizeBytes: SMALL_PART_BYTES,
}

/** A source without an end that counts what was taken from it. */
function endless(): { source: Readable; taken: () => number } {
  let taken = 0
  const chunk = noise(10_000)
  const source = new Readable({
    highWaterMark: 0,
    read() {
      taken += chunk.length
      this.push(chunk)
    },
  })
  return { source, taken: () => taken }
}

/** Waits until a value has stayed the same for ten turns of 20 ms. */
async function settled(value: () => number): Promise<number> {
  let last = value()
  for (let same = 0; same < 10; ) {
    await new Promise(resolve => setTimeout(resolve, 20))
    same = value() === last ? same + 1 : 0
    last = value()
  }
  return last
}

describe('writing an archive', () => {
  it.each<[string, unknown]>([
    ['no recipients', { recipients: [] }],
    ['nothing', undefined],
    ['null', null],
    ['false', false],
    ['an empty string', ''],
    ['"on"', 'on'],
    ['a single string', { recipients: KEYS.recipient }],
  ])('is refused, never done in clear text, when encryption is %s', (_, encryption) => {
    const source = Buffer.from('secret')
    expect(() => writeArchive(source, { ...OPTIONS, encryption: encryption as Encryption })).toThrow(
      expect.objectContaining({ code: 'NO_KEY', hint: expect.any(String) }),
    )
  })

  it('is refused when a recipient is malformed, and ends its threads', async () => {
    const before = leftovers()
    const recipients = [KEYS.recipient, KEYS.recipient.replace(/.$/, end => (end === 'q' ? 'p' : 'q'))]
    const writer = writeArchive(Buffer.from('x'), { ...OPTIONS, encryption: { recipients } })
    expect(await rejectionOf(listOf(writer))).toMatchObject({ code: 'CONFIGURATION' })
    expect(leftovers()).toEqual(before)
  })

  it('is refused with parts that are too small, or a backup without a proper id', () => {
    expect(() =>
      writeArchive(Buffer.from('x'), { ...OPTIONS, partSizeBytes: MIN_PART_SIZE_BYTES - 1 }),
    ).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    expect(() =>
      writeArchive(Buffer.from('x'), { ...OPTIONS, backup: { ...OPTIONS.backup, id: '7' } }),
    ).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
  })

  it('starts nothing before the first part is asked for', async () => {
    const before = leftovers()
    const { source, taken } = endless()
    writeArchive(source, OPTIONS)
    expect(await settled(taken)).toBe(0)
    expect(leftovers()).toEqual(before)
  })

  it('is cancelled at any moment, also while its threads start, without taking the process along', async () => {
    const before = leftovers()
    for (let run = 0; run < 24; run++) {
      const { source } = endless()
      const aborting = new AbortController()
      const parts = listOf(writeArchive(source, { ...OPTIONS, signal: aborting.signal }))
      setTimeout(() => aborting.abort(), run * 5)
      expect(await rejectionOf(parts)).toMatchObject({ code: 'CANCELLED' })
    }
    expect(leftovers()).toEqual(before)
  })

  it('stops the source while the consumer holds a part, and prepares the next part only', async () => {
    const { source, taken } = endless()
    const parts = writeArchive(source, OPTIONS)[Symbol.asyncIterator]()
    const first = await parts.next()
    const held = await settled(taken)
    // The part held, the one prepared, the block that opens the one after it, 4 blocks in the ring, chunks
    // under way.
    expect(held).toBeLessThan(10 * SMALL_PART_BYTES)
    expect(first.value?.number).toBe(1)
    await parts.next()
    await expect.poll(taken).toBeGreaterThan(held)
    await parts.return?.()
    expect(source.destroyed).toBe(true)
  })

  it('gives back the part that it promised even if the consumer waits long between parts', async () => {
    const numbers: number[] = []
    for await (const part of writeArchive(noise(60_000), OPTIONS)) {
      await new Promise(resolve => setTimeout(resolve, 20))
      numbers.push(part.number)
    }
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
  })

  it('ends its threads and the source when the consumer leaves early', async () => {
    const before = leftovers()
    const { source } = endless()
    for await (const part of writeArchive(source, OPTIONS)) if (part.number === 2) break
    expect(source.destroyed).toBe(true)
    expect(leftovers()).toEqual(before)
  })

  it('is cancelled by the signal: before it starts, while it waits for the source, while the consumer holds a part', async () => {
    const before = leftovers()
    const reason = new Error('enough')
    const unread = Readable.from([noise(10)])
    const early = writeArchive(unread, { ...OPTIONS, signal: AbortSignal.abort(reason) })
    expect(await rejectionOf(listOf(early))).toMatchObject({ code: 'CANCELLED', cause: reason })

    expect(unread.destroyed).toBe(true)

    const waiting = new AbortController()
    const silent = new Readable({ read: () => undefined })
    const stalled = rejectionOf(listOf(writeArchive(silent, { ...OPTIONS, signal: waiting.signal })))
    setTimeout(() => waiting.abort(reason), 50)
    expect(await stalled).toMatchObject({ code: 'CANCELLED', cause: reason })
    expect(silent.destroyed).toBe(true)

    const holding = new AbortController()
    const { source } = endless()
    const parts = writeArchive(source, { ...OPTIONS, signal: holding.signal })[Symbol.asyncIterator]()
    await parts.next()
    holding.abort(reason)
    expect(source.destroyed).toBe(true)
    expect(await rejectionOf(parts.next())).toMatchObject({ code: 'CANCELLED', cause: reason })
    expect(leftovers()).toEqual(before)
  })

  it('reports its progress up to the last byte', async () => {
    const seen: number[] = []
    const onProgress = (bytes: number): number => seen.push(bytes)
    await listOf(writeArchive(noise(100_000), { ...OPTIONS, onProgress }))
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBe(100_000)
  })

  it('is ended, not the process, by a listener to the progress that throws', async () => {
    const cause = new Error('a bug in the listener')
    const onProgress = (): void => {
      throw cause
    }
    const error = await rejectionOf(listOf(writeArchive(noise(100_000), { ...OPTIONS, onProgress })))
    expect(error).toMatchObject({ code: 'CANCELLED', cause })
  })

  it('writes nothing of the caller’s backup object but its four names', async () => {
    const backup = { ...sampleBackup(), password: 'hunter2' }
    const [part] = await listOf(writeArchive(noise(10), { ...OPTIONS, backup, encryption: 'off' }))
    expect(part?.bytes.includes(backup.id)).toBe(true)
    expect(part?.bytes.includes('hunter2')).toBe(false)
  })

  it('has no summary before its end', async () => {
    const writer = writeArchive(noise(100_000), OPTIONS)
    for await (const part of writer) {
      if (!part.last) expect(() => writer.summary).toThrow(expect.objectContaining({ code: 'CONFIGURATION' }))
    }
    expect(writer.summary.plainSize).toBe(100_000)
  })
})
