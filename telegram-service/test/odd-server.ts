import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request as it arrives at an odd server: the head, and the body as far as the behaviour reads it. */
export interface OddRequest {
  readonly socket: Socket
  /** Request line and headers. */
  readonly head: string
  readonly bodyBytes: number
  /** Reads on until the body is there whole, or so many bytes of it. */
  readBody(atLeastBytes?: number): Promise<Buffer>
  /** Answers with JSON, and a Content-Length. */
  json(status: number, value: unknown, headers?: Record<string, string>): void
  /** Answers with any bytes. */
  answer(status: number, body: string | Buffer, headers?: Record<string, string>): void
}

export interface OddServer {
  readonly url: string
  /** The heads of the requests so far. */
  readonly heads: string[]
  /** Connections that stand at present. */
  readonly connections: Set<Socket>
}

/**
 * A server over plain TCP that behaves as told, request by request, so that it can do what a proper HTTP
 * server never would. What the behaviour throws closes the connection.
 */
export async function oddServer(
  behave: (request: OddRequest, count: number) => Promise<void> | void,
): Promise<OddServer> {
  const heads: string[] = []
  const connections = new Set<Socket>()
  const server = createServer(socket => {
    socket.setNoDelay(true)
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => {})
    void serve(socket, request => {
      heads.push(request.head)
      return behave(request, heads.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of connections) socket.destroy()
    await closed
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heads, connections }
}

async function serve(socket: Socket, behave: (request: OddRequest) => Promise<void> | void): Promise<void> {
  const input = socket.iterator({ destroyOnReturn: false })
  let pending: Buffer = Buffer.alloc(0)
  /** Reads on until there are so many bytes; false when the other side has ended before. */
  const fill = async (bytes: number): Promise<boolean> => {
    const pieces = [pending]
    let total = pending.length
    while (total < bytes) {
      const { value, done } = await input.next()
      if (done) break
      pieces.push(value as Buffer)
      total += (value as Buffer).length
    }
    pending = Buffer.concat(pieces)
    return total >= bytes
  }
  try {
    for (;;) {
      let end = pending.indexOf('\r\n\r\n')
      while (end < 0) {
        if (!(await fill(pending.length + 1))) return
        end = pending.indexOf('\r\n\r\n')
      }
      const head = pending.subarray(0, end).toString()
      pending = pending.subarray(end + 4)
      const bodyBytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      const readBody = async (atLeastBytes = bodyBytes): Promise<Buffer> => {
        if (!(await fill(atLeastBytes))) throw new Error('the body was cut off')
        return pending.subarray(0, bodyBytes)
      }
      const answer: OddRequest['answer'] = (status, body, headers = {}) => {
        const lines = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body) })
        const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
        socket.write(`HTTP/1.1 ${status} Whatever\r\n${text}\r\n`)
        socket.write(body)
      }
      await behave({
        socket,
        head,
        bodyBytes,
        readBody,
        answer,
        json: (status, value, headers) =>
          answer(status, JSON.stringify(value), { 'Content-Type': 'application/json', ...headers }),
      })
      if (pending.length < bodyBytes) return
      pending = pending.subarray(bodyBytes)
    }
  } catch {
    socket.destroy()
  }
}
