import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { headOf, nameOf, openResticBench, type ResticBench } from '#test/restic/restic-bench.ts'

const MIB = 1024 ** 2
/** As many as the door takes requests of one key. */
const READERS = 192
/** Half of what the whole service may take. */
const MOST_BYTES = 175 * MIB

let bench: ResticBench
beforeAll(async () => {
  bench = await openResticBench({ stall_seconds: 600 })
})
afterAll(() => bench.close())

/** Asks, and reads nothing of the answer but whether it came. */
async function standing(head: string): Promise<Socket> {
  const socket = connect(bench.service.server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(head)
  await once(socket, 'readable')
  return socket
}

let given = 0
/** As the store gives them: each piece in its own memory, and none before it is asked for. */
async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += MIB) {
    const piece = Buffer.allocUnsafeSlow(Math.min(MIB, bytes.length - at))
    bytes.copy(piece, 0, at)
    given++
    yield piece
  }
}

it('readers that stand still hold bounded memory, and leave room for others', async () => {
  const bytes = Buffer.alloc(16 * MIB, 'a')
  expect((await bench.ask(nameOf(bytes), { method: 'POST', body: bytes })).status).toBe(200)
  bench.store.faults.get = pieces
  const head = headOf(`GET /restic/laptop/${nameOf(bytes)}`, await bench.headersFor('read'))
  const before = process.memoryUsage().arrayBuffers
  const readers = await Promise.all(Array.from({ length: READERS }, () => standing(head)))
  try {
    // The system takes some bytes for each of them.
    for (let seen = -1; seen !== given; await sleep(300)) seen = given
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_BYTES)
    const answer = await bench.ask(nameOf(bytes), { headers: { Range: 'bytes=5-9' } })
    expect([answer.status, await answer.text()]).toEqual([206, 'aaaaa'])
  } finally {
    for (const reader of readers) reader.destroy()
  }
})
