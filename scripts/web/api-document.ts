import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from '@telegram-backup/api-gateway/http/create-app.ts'
import type { HttpPorts } from '@telegram-backup/api-gateway/http/http-ports.ts'
import { DEFAULT_HTTP_SETTINGS } from '@telegram-backup/engine/config/http-settings.ts'
import { createLogger } from '@telegram-backup/engine/logging.ts'

/** The OpenAPI document, as `serve` answers it: neither a catalog nor a chat is needed for that. */
export async function openApiDocument(): Promise<Record<string, unknown>> {
  const ports = {
    settings: DEFAULT_HTTP_SETTINGS,
    log: createLogger({ level: 'silent', stream: process.stderr }),
    // A new version of the program is no change of the API.
    version: '0',
    engine: {},
    configFile: {},
    database: {},
  } as unknown as HttpPorts
  const { app, close } = createApp(ports)
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/openapi.json`)
  const document = (await answer.json()) as Record<string, unknown>
  server.closeAllConnections()
  server.close()
  await close()
  return document
}
