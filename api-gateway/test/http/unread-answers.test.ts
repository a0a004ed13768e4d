import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestService, type TestService, upload } from '#test/http/http-service.ts'

// The owner of a database decides how long the record of a backup is, and whoever may read asks for it on
// many connections at once.

let service: TestService
let backup: string
const sockets: Socket[] = []
beforeAll(async () => {
  service = await openTestService({ stall_seconds: 600 })
  const admin = await service.key(['admin'])
  backup = await upload(service, { key: admin, bytes: Buffer.from('one') })
  // More than a connection takes on the way to a client that reads nothing.
  await sql`update control_plane.backups set source = jsonb_build_object('comment', repeat('x', 20 * 1024 * 1024))`.execute(
    service.database.kysely,
  )
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await service.close()
})

/** Reads no more than the first line of the answer. */
async function statusUnread(key: string): Promise<number> {
  const socket = connect(service.server.port, '127.0.0.1')
  socket.on('error', () => {})
  sockets.push(socket)
  socket.write(`GET /api/v1/backups/${backup} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`)
  await once(socket, 'readable')
  return Number(/^HTTP\/1.1 (\d+)/.exec(String(socket.read(20)))?.[1])
}

test('answers that nobody reads take so much memory and no more, and leave the rest to other keys', async () => {
  const greedy = await service.key(['read'])
  const statuses: number[] = []
  for (let count = 0; count < 6; count++) statuses.push(await statusUnread(greedy))
  expect(statuses).toEqual([200, 200, 503, 503, 503, 503])
  // What is small goes out all the same, and another key has its share.
  expect((await service.ask('/stats', { key: greedy })).status).toBe(200)
  const other = await service.key(['read'])
  const answer = await service.ask(`/backups/${backup}`, { key: other })
  expect(answer.status).toBe(200)
  expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(20 * 1024 * 1024)
  for (const socket of sockets.splice(0)) socket.destroy()
  await expect.poll(async () => (await service.ask(`/backups/${backup}`, { key: greedy })).status).toBe(200)
})
