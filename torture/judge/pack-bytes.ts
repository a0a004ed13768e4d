import { zstdDecompressSync } from 'node:zlib'
import { Decrypter } from 'age-encryption'

const SKIPPABLE_MAGIC = 0x18_4d_2a_50
const HEAD_BYTES = 8

/** A record of a pack, as docs/format.md has it. */
type JudgedRecord =
  | {
      readonly put: string
      readonly id: string
      readonly sha256: string
      readonly moves?: string
      readonly extents: ReadonlyArray<{
        readonly pack?: string
        readonly offset: number
        readonly length: number
      }>
    }
  | { readonly delete: string; readonly id: string }
  | { readonly fragment: string }

/** A pack, opened by standard means: age, zstd, and nothing of ours. */
export interface JudgedPack {
  readonly header: {
    readonly kind: 'pack' | 'checkpoint'
    readonly pack: string
    readonly bucket: { readonly id: string; readonly name: string }
    readonly sequence: number
    readonly names: ReadonlyArray<{ readonly pack: string }>
    readonly frames: ReadonlyArray<readonly [size: number, plainSize: number]>
    readonly records: readonly JudgedRecord[]
    readonly checkpoint?: {
      readonly id: string
      readonly part: number
      readonly last: boolean
      readonly upTo: number
      readonly not: readonly number[]
    }
  }
  /** What its frames hold, one after the other. */
  readonly plain: Buffer
}

/** Throws when it is not a whole pack. */
export async function openByHand(document: Buffer, identity: string): Promise<JudgedPack> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  const bytes = Buffer.from(await decrypter.decrypt(document, 'uint8array'))
  if ((bytes.readUInt32LE(0) & 0xff_ff_ff_f0) >>> 0 !== SKIPPABLE_MAGIC) throw new Error('no header in front')
  const headSize = bytes.readUInt32LE(4)
  const envelope = JSON.parse(bytes.toString('utf8', HEAD_BYTES, HEAD_BYTES + headSize)) as { pack: string }
  const header = JSON.parse(envelope.pack) as JudgedPack['header']
  let at = HEAD_BYTES + headSize
  const plain = header.frames.map(([size, plainSize]) => {
    const frame = zstdDecompressSync(bytes.subarray(at, at + size))
    at += size
    if (frame.length !== plainSize) throw new Error('a frame is not as long as it says')
    return frame
  })
  if (at !== bytes.length) throw new Error('something is behind the frames')
  return { header, plain: Buffer.concat(plain) }
}
