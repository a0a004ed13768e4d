import { createCipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { noise } from '#test/sample-archives.ts'
import { freeNow } from '#transient-memory.ts'
import { compressFrame, decompressFrame } from '#zstd-frame.ts'

describe('memory that is given back at once', () => {
  it.each([0, 1, 1000, 32 * 1024, 64 * 1024, 1024 * 1024])(
    'is that of a result of %d bytes alone, never what small Buffers share',
    size => {
      const plain = noise(size)
      const neighbours = Array.from({ length: 200 }, (_, index) => Buffer.from(`neighbour ${index}`))
      const results = [
        compressFrame(plain),
        decompressFrame(compressFrame(plain), 1024 * 1024),
        decompressFrame(compressFrame(plain), Math.max(1024, size)),
        createCipheriv('chacha20-poly1305', noise(32), noise(12), { authTagLength: 16 }).update(plain),
      ]
      for (const result of results) {
        expect(result.buffer).not.toBe(neighbours[0]?.buffer)
        freeNow(result)
        expect(result.length).toBe(0)
      }
      expect(neighbours.map(String)).toEqual(neighbours.map((_, index) => `neighbour ${index}`))
      expect(Buffer.from('still there').toString()).toBe('still there')
    },
  )
})
