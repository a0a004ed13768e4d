import { createCipheriv } from 'node:crypto'

/** Bytes that cannot be compressed, always the same ones for a number; small objects, and some of several packs. */
export function contentOf(no: number): Buffer {
  const size = no % 4 === 3 ? 40_000 + ((no * 7_919) % 150_000) : (no * 613) % 9_000
  const key = Buffer.alloc(32, `key ${no}`)
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}
