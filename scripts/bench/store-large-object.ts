// A program that stores one object, reads ranges of it and all of it, and deletes it, through the interface
// of the object store. Says what it took, as one line of JSON.
import { createCipheriv, createHash } from 'node:crypto'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { openEngine, openObjects } from '@telegram-backup/engine/wiring.ts'

const MEBIBYTE = 2 ** 20
const RANGES = 16
const CACHE_BYTES = 2 ** 31
const KEY = 'large'

export interface LargeObjectTask {
  bucket: string
  mebibytes: number
}

/** Seconds; the range is the median of 16 of 1 MiB. Memory is the most so far, resident. */
export interface LargeObjectCosts {
  putSeconds: number
  rangeSeconds: number
  readSeconds: number
  deleteSeconds: number
  putPeakMebibytes: number
  peakMebibytes: number
}

const { bucket: bucketName, mebibytes } = JSON.parse(process.argv[2] ?? '') as LargeObjectTask
const size = mebibytes * MEBIBYTE
const { signal } = new AbortController()
const engine = await openEngine(readConfig(), { signal })
const store = await openObjects(engine, { cacheBytes: CACHE_BYTES, log: console.error, signal })
const bucket = await store.bucket(bucketName)

const putSeconds = await secondsOf(async () => {
  await store.put(bucket, { key: KEY, body: bytesFrom(0, size), size }, { signal })
})
const putPeakMebibytes = peakMebibytes()
const rangeSeconds: number[] = []
for (let number = 0; number < RANGES; number++) {
  const start = Math.floor(((size - MEBIBYTE) / (RANGES - 1)) * number)
  rangeSeconds.push(await secondsOf(() => readRange(start, start + MEBIBYTE)))
}
const readSeconds = await secondsOf(() => readRange(0, size))
const deleteSeconds = await secondsOf(async () => {
  if (!(await store.delete(bucket, KEY))) throw new Error('There was nothing to delete')
})
const costs: LargeObjectCosts = {
  putSeconds,
  rangeSeconds: rangeSeconds.sort((a, b) => a - b)[RANGES / 2] as number,
  readSeconds,
  deleteSeconds,
  putPeakMebibytes,
  peakMebibytes: peakMebibytes(),
}
await store.close({ graceMs: 60_000 })
await engine.close()
console.log(JSON.stringify(costs))

/** The bytes of the object from `start` to before `end`: as if random, and the same each time. */
async function* bytesFrom(start: number, end: number): AsyncGenerator<Buffer> {
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(start / 16)), 8)
  const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32, 'bench'), counter)
  cipher.update(Buffer.alloc(start % 16))
  const zeros = Buffer.alloc(65_536)
  for (let left = end - start; left > 0; left -= zeros.length)
    yield cipher.update(zeros.subarray(0, Math.min(left, zeros.length)))
}

/** Reads from `start` to before `end`. Throws when these are not the bytes that were stored. */
async function readRange(start: number, end: number): Promise<void> {
  const { body } = await store.get(bucket, KEY, { range: { start, end: end - 1 }, signal })
  const [read, expected] = [createHash('sha256'), createHash('sha256')]
  for await (const piece of body) read.update(piece)
  for await (const piece of bytesFrom(start, end)) expected.update(piece)
  if (read.digest('hex') !== expected.digest('hex')) throw new Error(`Other bytes from ${start} to ${end}`)
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

function peakMebibytes(): number {
  return process.resourceUsage().maxRSS / 1024
}
