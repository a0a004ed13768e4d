import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SentNotice } from '@telegram-backup/engine/monitoring/wording.ts'

interface Heard {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A receiver of webhooks and heartbeats, on a free port. */
export interface Listener {
  url: string
  heard: Heard[]
  /** Sets the status of the answer, or the target of a redirect; `silent` never answers. */
  answerWith(answer: number | string): void
  /** The JSON of what was posted. */
  notices(): SentNotice[]
  close(): Promise<void>
}

export async function startListener(): Promise<Listener> {
  const heard: Heard[] = []
  let answer: number | string = 200
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    heard.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    })
    if (answer === 'silent') return
    if (typeof answer === 'string') response.writeHead(302, { location: answer })
    else response.writeHead(answer)
    response.end('a body that nobody reads')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    answerWith: next => {
      answer = next
    },
    notices: () => heard.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
