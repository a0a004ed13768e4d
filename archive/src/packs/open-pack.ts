import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type PlainRanges, unwrapAgeFile } from '#age-file.ts'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { assertUnlocking, unsealRanges } from '#encryption.ts'
import { hashInTurns } from '#hashing.ts'
import { OpenedPack } from '#packs/opened-pack.ts'
import type { PackHeader } from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import type { PackMemory } from '#packs/pack-memory.ts'
import type { PackPlace, PackWork } from '#packs/pack-work.ts'
import { readPackHeader } from '#packs/read-header.ts'
import { headerFrameSizeBytes, SKIPPABLE_PREFIX_BYTES } from '#part-header.ts'
import { PieceReader } from '#piece-reader.ts'
import { type DocumentUnlocking, openEnvelope, parseText, type Signer } from '#signed-document.ts'

/** After this many bytes other work of the main thread gets a turn. */
const BYTES_PER_TURN = 4 * 1024 * 1024

/** What is known of a pack before it is opened; other packs are refused. */
export interface ExpectedPack {
  /** UUID. */
  pack?: string
  /** UUID of its bucket. */
  bucket?: string
  /** Of the bytes as sent, hex, from the catalog or from a signed document: it binds all bytes. */
  sha256?: string
}

export interface OpenPackOptions extends DocumentUnlocking {
  expected?: ExpectedPack
}

/**
 * Opens a pack and checks all of it: its signature, its signer, and that its frames are those that were
 * signed. What a known SHA-256 proves is not checked again, and then only what is read is decrypted.
 * @param bytes as sent; must stay as they are while the pack is read
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`; `INTEGRITY` for anything but a whole pack that was expected
 */
export async function openPack(bytes: Uint8Array, options: OpenPackOptions): Promise<OpenedPack> {
  const { expected = {} } = options
  const { sha256 } = expected
  assertUnlocking(options)
  if (sha256 !== undefined) await assertSha256(bytes, sha256)
  return await opening(async () => {
    const plain = await unsealRanges(bytes, options)
    return await openPlain(plain, { ...options, isProven: sha256 !== undefined })
  })
}

/** A pack whose bytes are proven, in its memory. */
export interface ProvenPack {
  memory: PackMemory
  place: PackPlace
}

/**
 * Opens a pack whose SHA-256 was compared already. All of it is decrypted, in its memory, by `work`; the
 * memory must stay as it is while the pack is read.
 * @throws ArchiveError as {@link openPack}
 */
export async function openProvenPack(
  { memory, place }: ProvenPack,
  {
    work,
    ...options
  }: Omit<OpenPackOptions, 'expected'> & {
    expected: Omit<ExpectedPack, 'sha256'>
    work: PackWork
  },
): Promise<OpenedPack> {
  const { encrypted, identities } = options
  assertUnlocking(options)
  return await opening(async () => {
    const sealed = memory.bytes.subarray(place.start, place.end)
    const { start, end } = encrypted
      ? await work.open(memory, place, await unwrapAgeFile(sealed, identities))
      : place
    const plain = await unsealRanges(memory.bytes.subarray(start, end), { identities, encrypted: false })
    return await openPlain(plain, { ...options, isProven: true })
  })
}

async function opening(open: () => Promise<OpenedPack>): Promise<OpenedPack> {
  try {
    return await open()
  } catch (error) {
    throw toArchiveError(error, 'INTEGRITY', 'The pack cannot be opened')
  }
}

async function openPlain(
  plain: PlainRanges,
  options: OpenPackOptions & { isProven: boolean },
): Promise<OpenedPack> {
  const { expected = {}, isProven } = options
  const reader = new PieceReader(plain.read())
  const headerFrame = readHeaderFrame(reader, plain.sizeBytes)
  const { header, signed } = readSignedHeader(headerFrame, options)
  assertExpected(header, expected)
  const framesSize = plain.sizeBytes - headerFrame.length
  if (header.frames.reduce((sum, [size]) => sum + size, 0) !== framesSize)
    throw damaged(`The frames of the pack take ${framesSize} bytes, its header says otherwise`)
  if (!isProven) await assertFrames(reader, header, framesSize)
  return new OpenedPack({ header, signed, plain, framesStart: headerFrame.length })
}

async function assertSha256(bytes: Uint8Array, expected: string): Promise<void> {
  const hash = createHash('sha256')
  await hashInTurns(bytes, hash)
  if (hash.digest('hex') !== expected) throw damaged('The SHA-256 of the pack is another one than expected')
}

function readHeaderFrame(reader: PieceReader, packBytes: number): Buffer {
  const prefix = new Uint8Array(SKIPPABLE_PREFIX_BYTES)
  reader.read(prefix)
  const frameBytes = headerFrameSizeBytes(prefix, PACK_LIMITS.headerBytes)
  if (frameBytes > packBytes) throw damaged('The header of the pack is cut short')
  const frame = Buffer.allocUnsafeSlow(frameBytes)
  reader.read(frame.subarray(SKIPPABLE_PREFIX_BYTES))
  return frame
}

function readSignedHeader(frame: Buffer, options: OpenPackOptions): { header: PackHeader; signed: Signer } {
  const { text, ...signed } = openEnvelope('pack', frame.subarray(SKIPPABLE_PREFIX_BYTES), options)
  const json = parseText('pack', text)
  try {
    return { header: readPackHeader(json), signed }
  } catch (cause) {
    throw new ArchiveError('The pack contradicts itself', { code: 'INTEGRITY', cause })
  }
}

function assertExpected(header: PackHeader, { pack, bucket }: ExpectedPack): void {
  if (pack !== undefined && header.pack !== pack)
    throw damaged(`Pack ${header.pack} came in the place of pack ${pack}`)
  if (bucket !== undefined && header.bucket.id !== bucket)
    throw damaged(`Pack ${header.pack} belongs to another bucket, ${header.bucket.id}`)
}

/** All frames are those that were signed, and nothing follows them. */
async function assertFrames(reader: PieceReader, header: PackHeader, framesSize: number): Promise<void> {
  const hash = createHash('sha256')
  const piece = new Uint8Array(Math.min(framesSize, PACK_LIMITS.frameBytes))
  for (let done = 0; done < framesSize; ) {
    const part = piece.subarray(0, framesSize - done)
    reader.read(part)
    hash.update(part)
    done += part.length
    if (done % BYTES_PER_TURN === 0) await nextTurn()
  }
  reader.assertEnd()
  if (hash.digest('hex') !== header.framesSha256) throw damaged('The frames of the pack are not those signed')
}

function damaged(message: string): ArchiveError {
  return new ArchiveError(message, { code: 'INTEGRITY' })
}
