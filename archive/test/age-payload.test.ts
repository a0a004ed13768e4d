import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Decrypter, Encrypter } from 'age-encryption'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ageCapacityBytes, ageFileSizeBytes, decryptAgeFile, encryptAgeFile } from '#age-file.ts'
import { decryptChunks, encryptPayload, payloadCapacityBytes, payloadSizeBytes } from '#age-payload.ts'
import { joined } from '#encryption.ts'
import { generateIdentity } from '#index.ts'
import { KEYS, noise, rejectionOf } from '#test/sample-archives.ts'

const CHUNK = 65_536
/** Lengths around the edges of chunks, where an off-by-one would sit. */
const EDGES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK]
const anyLength = fc.oneof(fc.constantFrom(...EDGES), fc.nat(4 * CHUNK))

async function payloadOf(plain: Uint8Array): Promise<{ fileKey: Buffer; payload: Uint8Array }> {
  const fileKey = randomBytes(16)
  const payload = new Uint8Array(payloadSizeBytes(plain.length))
  await encryptPayload(plain, { fileKey, nonce: randomBytes(16) }, payload)
  return { fileKey, payload }
}

/** The plain bytes; rejects when the payload is refused. */
async function decryptPayload(payload: Uint8Array, fileKey: Uint8Array): Promise<Buffer> {
  return Buffer.concat(Array.from(decryptChunks(payload, fileKey), chunk => Buffer.from(chunk)))
}

async function decryptFile(file: Uint8Array, identities: string[]): Promise<Buffer> {
  return joined(await decryptAgeFile(file, identities))
}

describe('the age payload', () => {
  it.each(EDGES)('of %d bytes is opened by the age library', async size => {
    const plain = noise(size)
    const decrypter = new Decrypter()
    decrypter.addIdentity(KEYS.identity)
    const opened = await decrypter.decrypt(await encryptAgeFile(plain, [KEYS.recipient]))
    expect(Buffer.from(opened)).toEqual(plain)
  })

  it.each(EDGES)('of %d bytes made by the age library is opened', async size => {
    const plain = noise(size)
    const encrypter = new Encrypter()
    encrypter.addRecipient(KEYS.recipient)
    const opened = await decryptFile(await encrypter.encrypt(plain), [KEYS.identity])
    expect(Buffer.from(opened)).toEqual(plain)
  })

  it('comes back whole at any length', async () => {
    await fc.assert(
      fc.asyncProperty(anyLength, async size => {
        const plain = noise(size)
        const { fileKey, payload } = await payloadOf(plain)
        expect(await decryptPayload(payload, fileKey)).toEqual(plain)
      }),
    )
  })

  it('is refused when it is cut at any byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLength,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (size, at) => {
          const { fileKey, payload } = await payloadOf(noise(size))
          await rejectionOf(decryptPayload(payload.subarray(0, Math.floor(at * payload.length)), fileKey))
        },
      ),
    )
  })

  it.each([CHUNK, 2 * CHUNK])(
    'of %d bytes is refused when its last chunk is missing, or followed by an empty one',
    async size => {
      const { fileKey, payload } = await payloadOf(noise(size))
      await rejectionOf(decryptPayload(payload.subarray(0, payload.length - CHUNK - 16), fileKey))
      await rejectionOf(decryptPayload(Buffer.concat([payload, Buffer.alloc(16)]), fileKey))
    },
  )

  it('is refused when it ends in an empty chunk, even one with a proper tag', async () => {
    const [fileKey, nonce] = [randomBytes(16), randomBytes(16)]
    const streamKey = new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32))
    const sealed = (plain: Buffer, counter: number, last: number): Buffer => {
      const iv = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, counter, last])
      const cipher = createCipheriv('chacha20-poly1305', streamKey, iv, { authTagLength: 16 })
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    }
    const plain = noise(CHUNK)
    const whole = Buffer.concat([nonce, sealed(plain, 0, 1)])
    expect(await decryptPayload(whole, fileKey)).toEqual(plain)
    const padded = Buffer.concat([nonce, sealed(plain, 0, 0), sealed(Buffer.alloc(0), 1, 1)])
    await rejectionOf(decryptPayload(padded, fileKey))
  })

  it('is refused when any bit is flipped or two chunks change places', async () => {
    const { fileKey, payload } = await payloadOf(noise(3 * CHUNK))
    await fc.assert(
      fc.asyncProperty(fc.nat(payload.length * 8 - 1), async bit => {
        const copy = Buffer.from(payload)
        copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        await rejectionOf(decryptPayload(copy, fileKey))
      }),
    )
    const sealed = CHUNK + 16
    const [nonce, first, second, third] = [0, 16, 16 + sealed, 16 + 2 * sealed].map((start, i) =>
      payload.subarray(start, i === 0 ? 16 : start + sealed),
    )
    const exchanged = Buffer.concat([nonce, second, first, third].filter(piece => piece !== undefined))
    expect(exchanged.length).toBe(payload.length)
    await rejectionOf(decryptPayload(exchanged, fileKey))
  })

  it('has a capacity that is the exact reverse of its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 32, max: 2 ** 32 }), payloadSize => {
        const capacity = payloadCapacityBytes(payloadSize)
        expect(payloadSizeBytes(capacity)).toBeLessThanOrEqual(payloadSize)
        expect(payloadSizeBytes(capacity + 1)).toBeGreaterThan(payloadSize)
      }),
    )
  })
})

describe('the age file', () => {
  it.each([1, 2, 7])('has the size that was foretold for %d recipients', async count => {
    const recipients = await Promise.all(
      Array.from({ length: count }, async () => (await generateIdentity()).recipient),
    )
    const file = await encryptAgeFile(noise(100_000), recipients)
    expect(file.length).toBe(ageFileSizeBytes(100_000, count))
    expect(ageCapacityBytes(file.length, count)).toBe(100_000)
  })

  it('is opened by each of its recipients, also when other identities are tried before', async () => {
    const [a, b, stranger] = [await generateIdentity(), await generateIdentity(), await generateIdentity()]
    const file = await encryptAgeFile(Buffer.from('hello'), [a.recipient, b.recipient])
    for (const { identity } of [a, b]) {
      expect(Buffer.from(await decryptFile(file, [stranger.identity, identity])).toString()).toBe('hello')
    }
    expect(await rejectionOf(decryptFile(file, [stranger.identity]))).toMatchObject({ code: 'WRONG_KEY' })
  })

  it('never uses a key or a nonce twice', async () => {
    const files = await Promise.all([1, 2].map(() => encryptAgeFile(Buffer.alloc(100), [KEYS.recipient])))
    expect(files[0]?.subarray(-116)).not.toEqual(files[1]?.subarray(-116))
  })
})
