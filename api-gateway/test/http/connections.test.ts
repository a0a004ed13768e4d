import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { connect, type Socket } from 'node:net'
import { createJob } from '@telegram-backup/database'
import { selfSigned } from '@telegram-backup/test-support/self-signed.ts'
import { afterEach, expect, test } from 'vitest'
import { openTestService, type TestService } from '#test/http/http-service.ts'

// Whoever reaches the port may open connections without a key, and say nothing on them.

const MOST = 20
let service: TestService
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await service.close()
})

/** Resolves when the server has taken all of them, or has closed them again. */
async function openSilent(count: number): Promise<void> {
  for (let opened = 0; opened < count; opened++) {
    const socket = connect(service.server.port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
  }
}

test('connections that say nothing give way to one with a key, however many there are', async () => {
  service = await openTestService({}, { mostConnections: MOST })
  const key = await service.key(['read'])
  for (let round = 0; round < 3; round++) {
    await openSilent(2 * MOST)
    const answer = await service.ask('/stats', { key, headers: { Connection: 'close' } })
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }
  await expect.poll(() => sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(MOST)
})

test('connections with a key stay open meanwhile', async () => {
  service = await openTestService({}, { mostConnections: MOST })
  const key = await service.key(['read'])
  const { job } = await createJob(service.database, { kind: 'expire' }, async () => {})
  const events = await service.ask(`/jobs/${job.id}/events`, { key })
  const reader = events.body?.getReader()
  await openSilent(3 * MOST)
  expect((await service.ask('/stats', { key })).status).toBe(200)
  const first = await reader?.read()
  expect(String(first && new TextDecoder().decode(first.value))).toContain(job.id)
  const next = reader?.read().then(({ done }) => done)
  await openSilent(MOST)
  expect(await Promise.race([next, service.ask('/stats', { key }).then(() => 'goes on')])).toBe('goes on')
  await reader?.cancel()
})

test('the same with TLS, where a connection is one before anything was said on it', async () => {
  const { cert, key: secret } = selfSigned('localhost')
  const certificate = { cert: Buffer.from(cert), key: Buffer.from(secret) }
  service = await openTestService({}, { mostConnections: MOST, certificate })
  const key = await service.key(['read'])
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  const isReused: boolean[] = []
  for (let round = 0; round < 2; round++) {
    await openSilent(2 * MOST)
    const headers = { Authorization: `Bearer ${key}` }
    const asked = request(`${service.server.url}/api/v1/stats`, { agent, headers })
    const [answer] = await once(asked.end(), 'response')
    expect(answer.statusCode).toBe(200)
    await once(answer.resume(), 'end')
    isReused.push(asked.reusedSocket)
  }
  expect(isReused).toEqual([false, true])
  agent.destroy()
})
