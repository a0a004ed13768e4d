// Measures a pack of 19 MB in the main thread: filling it, sealing it, opening it with and without a known
// SHA-256, reading all of it, and reading ranges. Prints the medians of processor time, which other programs
// on the machine do not change. Usage: node archive/bench/packs.ts [packs].
import { randomUUID } from 'node:crypto'
import { generateIdentity, type OpenedPack, openPack, PackBuilder } from '@telegram-backup/archive'
import { INPUTS, MEGABYTE } from '#bench/inputs.ts'
import { newKeyText, parseKeyFile } from '#signing.ts'

const PACK_MEGABYTES = 19
const RANGES = 100
const RANGE_BYTES = 10_000

const { identity, recipient } = await generateIdentity()
const signingKey = parseKeyFile(newKeyText(), 'bench')
const bucket = { id: randomUUID(), name: 'bench', kind: 'restic', project: 'bench' } as const
const unlocking = { identities: [identity], encrypted: true }
const spent = new Map<string, number[]>()

/** Milliseconds of the processor, by what is done. */
async function timed<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  spent.set(what, [...(spent.get(what) ?? []), (user + system) / 1000])
  return result
}

async function readAll(pack: OpenedPack, ranges: Parameters<OpenedPack['read']>[0][]): Promise<void> {
  let bytes = 0
  for (const range of ranges) for await (const piece of pack.read(range)) bytes += piece.length
  if (bytes === 0) throw new Error('Nothing was read')
}

async function onePack(input: Buffer): Promise<void> {
  const builder = new PackBuilder({ bucket, encryption: { recipients: [recipient] }, signingKey })
  const createdAt = new Date().toISOString()
  await timed('fill', () => {
    for (let block = 0; block < PACK_MEGABYTES; block++)
      builder.add(input.subarray(block * MEGABYTE, (block + 1) * MEGABYTE))
  })
  const identity = { pack: randomUUID(), catalogId: randomUUID(), sequence: 1, createdAt, names: [] }
  const { bytes, sha256, plainSize } = await timed('seal', () => builder.seal(identity))
  await timed('open', () => openPack(bytes, unlocking))
  const pack = await timed('open, hash known', () => openPack(bytes, { ...unlocking, expected: { sha256 } }))
  await timed('read', () => readAll(pack, [undefined]))
  const ranges = Array.from({ length: RANGES }, (_, index) => ({
    offset: Math.floor((index * (plainSize - RANGE_BYTES)) / RANGES),
    length: RANGE_BYTES,
  }))
  await timed(`${RANGES} ranges`, () => readAll(pack, ranges))
  builder.release()
}

const packs = Number(process.argv[2] ?? 20)
for (const [name, make] of Object.entries(INPUTS)) {
  spent.clear()
  const input = make(PACK_MEGABYTES * MEGABYTE)
  for (let round = 0; round < packs; round++) await onePack(input)
  const medians = [...spent].map(([what, times]) => {
    const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN
    return `${what} ${median.toFixed(1)} ms`
  })
  console.log(`pack of ${PACK_MEGABYTES} MB, ${name}: ${medians.join(', ')}`)
}
console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`)
