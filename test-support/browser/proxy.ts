import { once } from 'node:events'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A reverse proxy, as people put one in front of `serve`. */
export interface Proxy {
  /** Where the page is, with the path below which the proxy has it, and a slash at the end. */
  url: string
  /** How many requests for that path are not answered to their end. */
  underWay(path: string): number
  /** How many requests for that path there have been. */
  count(path: string): number
  /** What was answered so far, such as `POST /api/v1/backups 403`. */
  answers: string[]
  close(): Promise<void>
}

/** @param below a path that the proxy takes away, such as `/backups-page`; empty for none */
export async function openProxy(serveUrl: string, below = ''): Promise<Proxy> {
  const open: string[] = []
  const all: string[] = []
  const answers: string[] = []
  const server = createServer((request, response) => {
    const asked = request.url ?? ''
    if (!asked.startsWith(`${below}/`)) return void response.writeHead(404).end()
    const path = asked.slice(below.length)
    const [name = ''] = path.split('?')
    open.push(name)
    all.push(name)
    const there = sendRequest(new URL(path, serveUrl), { method: request.method, headers: request.headers })
    response.once('close', () => {
      open.splice(open.indexOf(name), 1)
      there.destroy()
    })
    there.on('error', () => response.destroy())
    there.on('response', answer => {
      answers.push(`${request.method} ${name} ${answer.statusCode}`)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', () => response.destroy()).pipe(response)
      // The browser learns at once that a stream has begun.
      response.flushHeaders()
    })
    request.pipe(there)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${below}/`,
    underWay: path => open.filter(name => name === path).length,
    count: path => all.filter(name => name === path).length,
    answers,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
