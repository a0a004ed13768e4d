import { createServer, type Server, type Socket } from 'node:net'

/** What a server answers to one query: columns with their one row, or nothing but that it is done. */
export type Answer = ReadonlyArray<readonly [column: string, value: string]> | undefined

/** A server that speaks PostgreSQL's protocol and answers whatever its owner likes. */
export interface HostileServer {
  /** Of a database of that name. */
  url(database: string): string
  close(): Promise<void>
}

/**
 * Lets everybody in, and says that the client's encoding is `encoding`. `answer` gets the text of each query,
 * and a number of the connection that asks.
 */
export async function startHostileServer(
  answer: (query: string, connection: number) => Answer,
  { encoding = 'UTF8' }: { encoding?: string } = {},
): Promise<HostileServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(socket => {
    const connection = ++connections
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let bytes: Buffer = Buffer.alloc(0)
    let isBegun = false
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      for (;;) {
        // The first message alone has no letter before its length.
        const start = isBegun ? 1 : 0
        if (bytes.length < start + 4) return
        const length = start + bytes.readInt32BE(start)
        if (bytes.length < length) return
        const [type, body] = [String.fromCharCode(bytes[0] as number), bytes.subarray(start + 4, length - 1)]
        bytes = bytes.subarray(length)
        if (isBegun && type === 'Q') socket.write(answered(answer(body.toString(), connection)))
        if (!isBegun) socket.write(greetingIn(encoding))
        isBegun = true
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: database =>
      `postgresql://owner@127.0.0.1:${portOf(server)}/${database}?sslmode=disable&gssencmode=disable`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const READY = message('Z', Buffer.from('I'))
const greetingIn = (encoding: string): Buffer =>
  Buffer.concat([
    message('R', int32(0)),
    ...Object.entries({
      server_version: '17.6',
      client_encoding: encoding,
      standard_conforming_strings: 'on',
    }).map(([name, value]) => message('S', Buffer.from(`${name}\0${value}\0`))),
    READY,
  ])

function answered(row: Answer): Buffer {
  if (row === undefined) return Buffer.concat([message('C', Buffer.from('DO\0')), READY])
  const columns = row.map(([name]) =>
    Buffer.concat([
      Buffer.from(`${name}\0`),
      // No table; type text, of any length, as text.
      Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    ]),
  )
  const values = row.map(([, value]) => {
    const text = Buffer.from(value)
    return Buffer.concat([int32(text.length), text])
  })
  return Buffer.concat([
    message('T', Buffer.concat([int16(row.length), ...columns])),
    message('D', Buffer.concat([int16(row.length), ...values])),
    message('C', Buffer.from('SELECT 1\0')),
    READY,
  ])
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
