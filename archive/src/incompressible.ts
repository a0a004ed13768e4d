/** Smaller bytes are compressed in no time. */
const LEAST_BYTES = 64 * 1024
const STRETCHES = 64
const STRETCH_BYTES = 256
/** Of eight. Random bytes have 7.99 in a sample of this size. */
const LEAST_BITS_PER_BYTE = 7.95

/**
 * Whether the bytes look random, as encrypted and compressed ones do: by the entropy of a sample of 16 KiB
 * from all over them. Repetitions of random bytes do not show.
 */
export function looksIncompressible(bytes: Uint8Array): boolean {
  if (bytes.length < LEAST_BYTES) return false
  const counts = new Uint32Array(256)
  const step = Math.floor(bytes.length / STRETCHES)
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const start = stretch * step
    for (let at = start; at < start + STRETCH_BYTES; at++) {
      const byte = bytes[at] ?? 0
      counts[byte] = (counts[byte] ?? 0) + 1
    }
  }
  return bitsPerByte(counts) >= LEAST_BITS_PER_BYTE
}

function bitsPerByte(counts: Uint32Array): number {
  let bits = Math.log2(STRETCHES * STRETCH_BYTES)
  for (const count of counts) if (count > 0) bits -= (count * Math.log2(count)) / (STRETCHES * STRETCH_BYTES)
  return bits
}
