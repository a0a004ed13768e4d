import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTelegramClient } from 'telegram-deployment-bot'
import { expect, it } from 'vitest'
import { openStoreWorld } from '#test/objects/store-world.ts'

/** A proxy that sends answers in chunks: their length shows at their end alone. */
async function openChunkingProxy(apiRoot: string): Promise<Server> {
  const server = createServer((incoming, answer) => {
    const { method, headers } = incoming
    const onward = request(new URL(incoming.url ?? '', apiRoot), { method, headers }, given => {
      const { 'content-length': _, ...kept } = given.headers
      answer.writeHead(given.statusCode ?? 502, kept)
      given.pipe(answer)
    })
    incoming.pipe(onward)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

it('objects are read through a server that announces no length', async () => {
  const world = await openStoreWorld()
  const proxy = await openChunkingProxy(world.vault.emulator.url)
  try {
    const contents = new Map([1, 2, 3].map(no => [`data/${no}`, randomBytes(no * 30_000)]))
    const one = await world.open()
    for (const [key, content] of contents) await one.put(key, content)
    const apiRoot = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const client = createTelegramClient({ token: world.vault.token, apiRoot, messagesPerMinute: 0 })
    const other = await world.open({ client })
    for (const [key, content] of contents) expect(await other.read(key)).toEqual(content)
  } finally {
    await world.close()
    proxy.close()
  }
})
