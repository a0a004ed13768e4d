import { describe, expect, it } from 'vitest'
import { freedChunks } from '#http/body-stream.ts'

const CHUNK_BYTES = 64 * 1024

describe('pieces of a body', () => {
  it('are whole until the next one is asked for, and are free then', async () => {
    const sent = Array.from({ length: 4 }, (_, no) => Buffer.allocUnsafeSlow(CHUNK_BYTES).fill(no + 1))
    const read: number[] = []
    for await (const chunk of freedChunks(sent)) {
      read.push(chunk.length, chunk[0] ?? 0, chunk[CHUNK_BYTES - 1] ?? 0)
      // Only those before it are free.
      expect(sent.map(({ buffer }) => buffer.byteLength > 0).indexOf(true)).toBe(read.length / 3 - 1)
    }
    expect(read).toEqual([1, 2, 3, 4].flatMap(no => [CHUNK_BYTES, no, no]))
    expect(sent.map(({ buffer }) => buffer.byteLength)).toEqual([0, 0, 0, 0])
  })

  it('that share memory with others leave it to them', async () => {
    const memory = Buffer.allocUnsafeSlow(2 * CHUNK_BYTES).fill('a')
    const halves = [memory.subarray(0, CHUNK_BYTES), memory.subarray(CHUNK_BYTES)]
    const small = Buffer.allocUnsafeSlow(1_000).fill('b')
    const read = (await Array.fromAsync(freedChunks([...halves, small]))).map(({ length }) => length)
    expect(read).toEqual([CHUNK_BYTES, CHUNK_BYTES, 1_000])
    expect(memory.toString()).toBe('a'.repeat(2 * CHUNK_BYTES))
    expect(small.toString()).toBe('b'.repeat(1_000))
  })
})
