import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Decrypter } from 'age-encryption'

/** SHA-256 and size of the plain bytes that messages hold. */
export async function plainBytesOf(
  documents: readonly Buffer[],
  identity: string,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of plainChunksOf(documents, identity)) {
    hash.update(chunk)
    size += chunk.length
  }
  return { size, sha256: hash.digest('hex') }
}

/** The plain bytes that messages hold, by standard means: age, zstd, and nothing of ours. */
export async function* plainChunksOf(
  documents: readonly Buffer[],
  identity: string,
): AsyncGenerator<Buffer, void> {
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  const frames: Uint8Array[] = []
  for (const document of documents) frames.push(await decrypter.decrypt(document, 'uint8array'))
  const child = spawn('zstd', ['-d', '-c', '-q'], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  child.stdin.end(Buffer.concat(frames))
  yield* child.stdout as AsyncIterable<Buffer>
  const code = child.exitCode ?? (await new Promise<number>(resolve => child.once('exit', resolve)))
  if (code !== 0) throw new Error(`zstd ended with ${code}`)
}
