import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** An answer on its way back to the client. */
export interface PassingAnswer {
  /** Name of the Bot API method, or `download`. */
  readonly method: string
  /** How many answers of this method came before, and this one. */
  readonly count: number
  status: number
  body: Buffer
}

/**
 * A proxy before a Bot API server, for one test, which may alter each answer. It is for answers that no
 * honest server gives. Returns its URL.
 */
export async function alteringProxy(
  serverUrl: string,
  alter: (answer: PassingAnswer) => void | Promise<void>,
): Promise<string> {
  const counts = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const path = request.url ?? '/'
    const method = path.startsWith('/file/') ? 'download' : (path.split('/').at(-1) ?? '')
    const count = (counts.get(method) ?? 0) + 1
    counts.set(method, count)
    const answer = await fetch(serverUrl + path, {
      method: request.method ?? 'GET',
      headers: contentTypeOf(request.headers),
      ...(pieces.length > 0 ? { body: Buffer.concat(pieces) } : {}),
    })
    const passing = { method, count, status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
    await alter(passing)
    response.writeHead(passing.status, { 'Content-Length': passing.body.length }).end(passing.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Alters the JSON of an answer's `result`. */
export function alterResult(
  answer: PassingAnswer,
  alter: (result: Record<string, unknown>) => unknown,
): void {
  const json = JSON.parse(answer.body.toString()) as { ok: boolean; result: Record<string, unknown> }
  answer.body = Buffer.from(JSON.stringify({ ...json, result: alter(json.result) }))
}

function contentTypeOf(headers: IncomingHttpHeaders): Record<string, string> {
  const contentType = headers['content-type']
  return contentType === undefined ? {} : { 'content-type': contentType }
}
