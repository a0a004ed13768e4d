import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Faults } from '#control/faults.ts'
import { type Fault, type RandomFaults, startEmulator } from '#index.ts'
import { clientFor, setStage } from '#test/bot-client.ts'

const DOWN: Fault = { kind: 'status', status: 503 }
const FLOOD: Fault = { kind: 'flood', retryAfterSeconds: 1 }

/** What so many getMe of a fresh emulator answer under an order. */
async function statuses(order: RandomFaults, calls: number): Promise<number[]> {
  const emulator = await startEmulator()
  const client = clientFor(emulator, emulator.createBot())
  emulator.faults.atRandom(order)
  const answers: number[] = []
  for (let call = 0; call < calls; call++) answers.push((await client.call('getMe')).status)
  await emulator.close()
  return answers
}

test('a seed gives the same faults each time, and other seeds give others', async () => {
  const run = (seed: number) => statuses({ seed, probability: 0.5, kinds: [DOWN, FLOOD] }, 40)
  const first = await run(1)
  expect(await run(1)).toEqual(first)
  expect(await run(2)).not.toEqual(first)
  expect(new Set(first)).toEqual(new Set([200, 429, 503]))
})

test('any seed meets about as many calls as the probability says, never more than the limit', () => {
  const calls = 2000
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(50), (seed, p, limit) => {
      const met = (order: Partial<RandomFaults>): number => {
        const faults = new Faults()
        faults.atRandom({ seed, probability: p, kinds: [DOWN], ...order })
        return Array.from({ length: calls }, () => faults.next('getMe')).filter(Boolean).length
      }
      // Six standard deviations of a coin that falls so at its widest.
      expect(Math.abs(met({}) - calls * p)).toBeLessThan(6 * Math.sqrt(calls / 4))
      expect(met({ limit })).toBeLessThanOrEqual(limit)
    }),
    { numRuns: 50 },
  )
})

test('a higher probability keeps the faults of a lower one and adds to them', async () => {
  const few = await statuses({ seed: 7, probability: 0.2, kinds: [DOWN, FLOOD] }, 40)
  const many = await statuses({ seed: 7, probability: 0.7, kinds: [DOWN, FLOOD] }, 40)
  for (const [call, status] of few.entries()) if (status !== 200) expect(many[call]).toBe(status)
  expect(many.filter(status => status === 200).length).toBeLessThan(few.filter(s => s === 200).length)
})

test('chance meets the methods that are named, after the faults that are ordered, until all are taken back', async () => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  emulator.faults.on('getMe', {}, FLOOD)
  emulator.faults.atRandom({ seed: 1, probability: 1, methods: ['GetMe'], kinds: [DOWN], limit: 2 })
  const answers: number[] = []
  for (let call = 0; call < 4; call++) answers.push((await client.call('getMe')).status)
  // The first one was drawn too, and lost to the order: chance goes by the calls, not by what came of them.
  expect(answers).toEqual([429, 503, 200, 200])
  emulator.faults.atRandom({ seed: 1, probability: 1, methods: ['getMe'], kinds: [DOWN] })
  expect((await client.call('getChat', { chat_id: chat.id })).status).toBe(200)
  expect((await client.call('getMe')).status).toBe(503)
  emulator.faults.clear()
  expect((await client.call('getMe')).status).toBe(200)
  expect(emulator.inspect.requests().map(({ fault }) => fault)).toContain('status')
})

test('without names every method is met, and the file route only by its own', async () => {
  await using stage = await setStage()
  const { emulator, client } = stage
  const { file_id } = (await stage.sendDocument('x')).document
  const { file_path } = (await client.call('getFile', { file_id })).result
  emulator.faults.atRandom({ seed: 1, probability: 1, kinds: [DOWN] })
  expect((await client.call('getMe')).status).toBe(503)
  expect((await client.download(file_path)).status).toBe(200)
  emulator.faults.atRandom({ seed: 1, probability: 1, kinds: [DOWN], methods: ['download'] })
  expect((await client.download(file_path)).status).toBe(503)
})

test.for([
  ['seed', { seed: 0.5 }],
  ['probability', { probability: 1.1 }],
  ['probability', { probability: Number.NaN }],
  ['kinds', { kinds: [] }],
  ['limit', { limit: -1 }],
] as const)('refuses an order whose %s is out of range: %j', async ([name, wrong]) => {
  await using stage = await setStage()
  const order = { seed: 1, probability: 1, kinds: [DOWN], ...wrong }
  expect(() => stage.emulator.faults.atRandom(order)).toThrow(`"${name}"`)
})
