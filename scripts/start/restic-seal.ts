import { createCipheriv, randomBytes, scryptSync } from 'node:crypto'

// restic encrypts with AES-256 in counter mode, and Poly1305-AES over the result (its design document).

/** The keys of a repository, or those that a password makes. */
export interface SealKeys {
  /** 32 bytes. */
  encrypt: Buffer
  /** 16 bytes each: of AES, and the multiplier of Poly1305, cut to the bits that it may have. */
  mac: { k: Buffer; r: Buffer }
}

const NONCE_BYTES = 16
/** Of an encrypted text beyond the text: the nonce before it and the code behind it. */
export const SEAL_BYTES: number = 2 * NONCE_BYTES

/** What restic 0.18 uses at least. */
export const SCRYPT = { N: 32_768, r: 8, p: 1 } as const

export function newKeys(): SealKeys {
  return keysOf(randomBytes(64))
}

export function keysOfPassword(password: string, salt: Buffer): SealKeys {
  const { N, r, p } = SCRYPT
  return keysOf(scryptSync(password, salt, 64, { N, r, p, maxmem: 256 * N * r }))
}

function keysOf(bytes: Buffer): SealKeys {
  const r = Buffer.from(bytes.subarray(48))
  for (const at of [3, 7, 11, 15]) r[at] = (r[at] ?? 0) & 0x0f
  for (const at of [4, 8, 12]) r[at] = (r[at] ?? 0) & 0xfc
  return { encrypt: bytes.subarray(0, 32), mac: { k: bytes.subarray(32, 48), r } }
}

export function seal({ encrypt, mac }: SealKeys, text: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-ctr', encrypt, nonce)
  const sealed = Buffer.concat([cipher.update(text), cipher.final()])
  const block = createCipheriv('aes-128-ecb', mac.k, null).setAutoPadding(false)
  return Buffer.concat([nonce, sealed, poly1305(sealed, { r: mac.r, s: block.update(nonce) })])
}

const PRIME = 2n ** 130n - 5n

function poly1305(text: Buffer, { r, s }: { r: Buffer; s: Buffer }): Buffer {
  const multiplier = numberOf(r)
  let sum = 0n
  for (let at = 0; at < text.length; at += 16) {
    const block = text.subarray(at, at + 16)
    sum = ((sum + numberOf(block) + (1n << BigInt(8 * block.length))) * multiplier) % PRIME
  }
  const code = Buffer.alloc(16)
  const total = sum + numberOf(s)
  code.writeBigUInt64LE(BigInt.asUintN(64, total), 0)
  code.writeBigUInt64LE(BigInt.asUintN(64, total >> 64n), 8)
  return code
}

/** Of at most 16 bytes, the lowest first. */
function numberOf(bytes: Buffer): bigint {
  const whole = bytes.length === 16 ? bytes : Buffer.concat([bytes, Buffer.alloc(16 - bytes.length)])
  return whole.readBigUInt64LE(0) | (whole.readBigUInt64LE(8) << 64n)
}
